/**
 * Measures a model inside workerd: a table, then one JSON object as the last line.
 *
 *     npm run bench [-- model]
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unstable_startWorker } from 'wrangler';
import type { Figures } from './figures.ts';

const model = process.argv[2] ?? 'sprite';
const fileBlob = async (...path: string[]) => new Blob([await readFile(join(import.meta.dirname, ...path))]);
const form = new FormData();
form.set('ceiling', await fileBlob('matrix-ceiling.onnx'));
form.set('firstFrame', await fileBlob('..', 'examples', 'first-frame.png'));
// Encoded here, because Wrangler's fetch is another one than Node's and does not know its forms.
const encoded = new Response(form);
const headers = { 'content-type': encoded.headers.get('content-type') as string };
const body = await encoded.arrayBuffer();
const worker = await unstable_startWorker({
  config: join(import.meta.dirname, 'wrangler.toml'),
  dev: { logLevel: 'error', server: { hostname: '127.0.0.1', port: 0 }, watch: false },
});
try {
  const answer = await worker.fetch(`http://bench.invalid/?model=${model}`, {
    method: 'POST',
    headers,
    body,
  });
  if (!answer.ok) throw new Error(await answer.text());
  const figures = (await answer.json()) as Figures;
  console.log(table(figures));
  console.log(JSON.stringify(figures));
} finally {
  await worker.dispose();
}

function table(figures: Figures): string {
  const rows: [string, string][] = [
    ['model', model],
    ['frames a second, default steps', figures.framesPerSecond.toFixed(2)],
    ['multiply-adds a frame', millions(figures.multiplyAddsPerFrame)],
    ['8-bit matrix ceiling, multiply-adds a second', millions(figures.ceilingMultiplyAddsPerSecond)],
    ['share of the ceiling', `${(figures.ceilingShare * 100).toFixed(1)} %`],
    ['cost of frame 200 over frame 20', figures.costRatio200over20.toFixed(3)],
    ['WebAssembly memory after 64 frames', `${figures.wasmMemoryMiB.toFixed(1)} MiB`],
    ['session start, runtime included', `${figures.sessionStartMs.toFixed(0)} ms`],
    ['K/V of a frame', `${figures.kvBytesPerFrame} bytes`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function millions(value: number): string {
  return `${(value / 1e6).toFixed(0)} M`;
}
