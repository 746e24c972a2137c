/**
 * Measures a model inside workerd: a table, then one JSON object as the last line.
 *
 *     npm run bench [-- model]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unstable_startWorker } from 'wrangler';
import { VideoClient } from '../src/client/video-client.ts';
import { quietEnvironment } from '../src/command/local-service.ts';
import { type Figures, type JobFigures, type ModelFigures, quickestAround } from './figures.ts';
import type { JobTimes } from './wake-meter.ts';

const jobFrames = 1010;

const model = process.argv[2] ?? 'sprite';
const fileBlob = async (...path: string[]) => new Blob([await readFile(join(import.meta.dirname, ...path))]);
const form = new FormData();
form.set('ceiling', await fileBlob('matrix-ceiling.onnx'));
form.set('firstFrame', await fileBlob('..', 'examples', 'first-frame.png'));
// Encoded here, because Wrangler's fetch is another one than Node's and does not know its forms.
const encoded = new Response(form);
const headers = { 'content-type': encoded.headers.get('content-type') as string };
const body = await encoded.arrayBuffer();
Object.assign(process.env, quietEnvironment);
const dataFolder = await mkdtemp(join(tmpdir(), 'magi-bench-'));
const worker = await unstable_startWorker({
  config: join(import.meta.dirname, '..', 'wrangler.toml'),
  entrypoint: join(import.meta.dirname, 'bench-worker.ts'),
  dev: {
    logLevel: 'error',
    persist: dataFolder,
    server: { hostname: '127.0.0.1', port: 0 },
    watch: false,
  },
});
try {
  const answer = await worker.fetch(`http://bench.invalid/?model=${model}`, {
    method: 'POST',
    headers,
    body,
  });
  if (!answer.ok) throw new Error(await answer.text());
  const figures = { ...((await answer.json()) as ModelFigures), ...(await jobFigures()) };
  console.log(table(figures));
  console.log(JSON.stringify(figures));
} finally {
  await worker.dispose();
  await rm(dataFolder, { recursive: true, force: true });
}

/** One long job through the API of the same Worker. */
async function jobFigures(): Promise<JobFigures> {
  const send = async (request: Request) =>
    new Response(
      ...(await worker
        .fetch(request.url, {
          method: request.method,
          headers: Object.fromEntries(request.headers),
          body: request.body === null ? null : await request.arrayBuffer(),
        })
        .then(async (answer) => [await answer.arrayBuffer(), { status: answer.status }] as const)),
    );
  const client = new VideoClient('http://bench.invalid', send);
  const { id } = await client.create({ model, frames: jobFrames, seed: 1 });
  for (let video = await client.retrieve(id); video.status !== 'completed'; ) {
    if (video.status === 'failed') throw new Error(video.error?.message);
    await sleep(1000);
    video = await client.retrieve(id);
    if (process.stderr.isTTY) process.stderr.write(`\rframe ${video.frames.committed} of ${jobFrames} `);
  }
  const answer = await worker.fetch('http://bench.invalid/times');
  const { frameMs, wallMs } = (await answer.json()) as JobTimes;
  const computeMs = frameMs.reduce((sum, ms) => sum + ms, 0);
  return {
    durabilityShare: (wallMs - computeMs) / computeMs,
    costRatio1000over50: quickestAround(frameMs, 1000) / quickestAround(frameMs, 50),
  };
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
    ['cost of frame 1,000 over frame 50, in a job', figures.costRatio1000over50.toFixed(3)],
    ['storage, alarms, settlement over computing', `${(figures.durabilityShare * 100).toFixed(1)} %`],
    ['K/V of a frame', `${figures.kvBytesPerFrame} bytes`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function millions(value: number): string {
  return `${(value / 1e6).toFixed(0)} M`;
}
