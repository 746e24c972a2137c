import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeBackend } from '../src/backend/node-backend.ts';
import { FloatGolden } from '../src/contract/golden-vectors.ts';
import { Past } from '../src/engine/past.ts';
import { goldenPlan, goldenSummary } from './golden-video.ts';

const help = `npm run golden -- <folder>...: writes golden/int8.json of models, the video of golden/float.json as the
quantised graphs make it

    npm run golden -- models/nano models/sprite`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', default: false } },
});
if (values.help) console.log(help);
else if (positionals.length === 0) {
  console.error(help);
  process.exitCode = 1;
} else for (const folder of positionals) await writeGolden(resolve(folder));

async function writeGolden(folder: string): Promise<void> {
  const { video } = FloatGolden.parse(JSON.parse(await readFile(floatGolden(folder), 'utf8')));
  const lease = nodeBackend(dirname(folder)).tryAcquire();
  const model = await lease?.open(basename(folder));
  if (!model) throw new Error('a fresh backend is free');
  const plan = goldenPlan(video, model.manifest);
  const frames = await Array.fromAsync(model.generate(Past.empty(model.manifest), plan));
  const golden = await goldenSummary(frames, video, model.manifest);
  await writeFile(join(folder, 'golden/int8.json'), `${JSON.stringify(golden, null, 2)}\n`);
  console.log(folder, golden);
}

/** A float build beside the model holds the golden vectors of both. */
function floatGolden(folder: string): string {
  const beside = join(folder, 'float/golden/float.json');
  return existsSync(beside) ? beside : join(folder, 'golden/float.json');
}
