import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unstable_startWorker } from 'wrangler';
import { VideoClient } from '../src/client/video-client.ts';
import { quietEnvironment } from '../src/command/local-service.ts';
import { serviceKey } from '../test/service-key.ts';
import { type JobFigures, type ModelFigures, quickestAround } from './figures.ts';
import type { StorageUse } from './storage-meter.ts';
import type { JobTimes } from './wake-meter.ts';

const jobFrames = 1010;

/** Measures a model, and a long job of it, inside workerd. */
export async function computingFigures(model: string): Promise<ModelFigures & JobFigures> {
  Object.assign(process.env, quietEnvironment);
  const dataFolder = await mkdtemp(join(tmpdir(), 'magi-bench-'));
  const worker = await unstable_startWorker({
    config: join(import.meta.dirname, '..', 'wrangler.toml'),
    entrypoint: join(import.meta.dirname, 'bench-worker.ts'),
    bindings: {
      ADMIN_KEY: { type: 'secret_text', value: serviceKey },
      STARTING_CREDITS: { type: 'plain_text', value: '1000000' },
    },
    dev: {
      logLevel: 'error',
      persist: dataFolder,
      server: { hostname: '127.0.0.1', port: 0 },
      watch: false,
    },
  });
  const send: Send = async (request) => {
    const { url, method, headers } = request;
    // Wrangler's fetch is another one than Node's and does not know its forms.
    const body = request.body === null ? null : await request.arrayBuffer();
    const answer = await worker.fetch(url, { method, headers: Object.fromEntries(headers), body });
    return new Response(await answer.arrayBuffer(), { status: answer.status });
  };
  try {
    const figures = await modelFigures(send, model);
    return { ...figures, ...(await jobFigures(send, model, figures)) };
  } finally {
    await worker.dispose();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

type Send = (request: Request) => Promise<Response>;

const service = 'http://bench.invalid';

async function modelFigures(send: Send, model: string): Promise<ModelFigures> {
  const body = new FormData();
  body.set('ceiling', await fileBlob('matrix-ceiling.onnx'));
  body.set('firstFrame', await fileBlob('..', 'examples', 'first-frame.png'));
  const answer = await send(new Request(`${service}/?model=${model}`, { method: 'POST', body }));
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as ModelFigures;
}

async function fileBlob(...path: string[]): Promise<Blob> {
  return new Blob([await readFile(join(import.meta.dirname, ...path))]);
}

/** One long job through the API of the same Worker. */
async function jobFigures(send: Send, model: string, { kvBytesPerJob }: ModelFigures): Promise<JobFigures> {
  const client = new VideoClient(service, serviceKey, send);
  const { id } = await client.create({ model, frames: jobFrames, seed: 1 });
  for (let video = await client.retrieve(id); video.status !== 'completed'; ) {
    if (video.status === 'failed') throw new Error(video.error?.message);
    await sleep(1000);
    video = await client.retrieve(id);
    if (process.stderr.isTTY) process.stderr.write(`\rframe ${video.frames.committed} of ${jobFrames} `);
  }
  const answer = await send(new Request(`${service}/times`));
  const { frameMs, wallMs, objectRequests, rowsWritten, databaseBytes } = (await answer.json()) as JobTimes &
    StorageUse;
  const computeMs = frameMs.reduce((sum, ms) => sum + ms, 0);
  return {
    durabilityShare: (wallMs - computeMs) / computeMs,
    costRatio1000over50: quickestAround(frameMs, 1000) / quickestAround(frameMs, 50),
    rowsWrittenPerFrame: rowsWritten / jobFrames,
    objectRequestsPerFrame: objectRequests / jobFrames,
    storedBytesPerFrame: (databaseBytes - kvBytesPerJob) / jobFrames,
  };
}
