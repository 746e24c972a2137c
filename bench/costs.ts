/**
 * What a million frames cost on Cloudflare, from the last line of `npm run bench`.
 *
 *     npm run bench | tee out/bench.txt
 *     npm run costs -- out/bench.txt
 */
import { readFile } from 'node:fs/promises';
import { costsOfMillionFrames, type MeasuredUse, prices, total } from './price-list.ts';

const [, , file] = process.argv;
if (file === undefined) throw new Error('npm run costs -- FILE: what npm run bench has printed');
const lines = (await readFile(file, 'utf8')).trim().split('\n');
const use: MeasuredUse = JSON.parse(lines.at(-1) ?? '');
const costs = costsOfMillionFrames(use);
console.log(`US dollars for a million frames, prices of ${prices.date}`);
for (const { name, units, unit, dollars } of [...costs, total(costs)])
  console.log(`${name.padEnd(36)}${units.padStart(12)} ${unit.padEnd(14)}${dollars.toFixed(2).padStart(8)}`);
console.log(
  JSON.stringify(Object.fromEntries([...costs, total(costs)].map((cost) => [cost.name, cost.dollars]))),
);
