import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { costsOfMillionFrames, type MeasuredUse, prices, total } from './price-list.ts';

const help = `npm run costs -- <file>: what a million frames cost on Cloudflare, a table and then one JSON object

  <file>  what npm run bench has printed:

    npm run bench | tee out/bench.txt
    npm run costs -- out/bench.txt`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', default: false } },
});
const [file] = positionals;
if (values.help) console.log(help);
else if (file === undefined) {
  console.error(help);
  process.exitCode = 1;
} else await tellCosts(file);

async function tellCosts(file: string): Promise<void> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  const use: MeasuredUse = JSON.parse(lines.at(-1) ?? '');
  const costs = costsOfMillionFrames(use);
  console.log(`US dollars for a million frames, prices of ${prices.date}`);
  for (const { name, units, unit, dollars } of [...costs, total(costs)])
    console.log(
      `${name.padEnd(36)}${units.padStart(12)} ${unit.padEnd(14)}${dollars.toFixed(2).padStart(8)}`,
    );
  console.log(
    JSON.stringify(Object.fromEntries([...costs, total(costs)].map((cost) => [cost.name, cost.dollars]))),
  );
}
