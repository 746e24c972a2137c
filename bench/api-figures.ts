import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { ModelCard, Video } from '../src/contract/job.ts';
import { passesPerFrame } from '../src/engine/partial-frame.ts';
import { Runtime } from '../test/chaos/runtime.ts';
import { authorized } from '../test/service-key.ts';
import { EventCrowd } from './event-crowd.ts';

/** autocannon sends a connection's requests of a second one after the other at its begin: so many begin in turn. */
const CONNECTIONS = 20;
const REQUESTS_PER_SECOND = 200;
const LOAD_SECONDS = 15;
/** Videos of which the time to the first frame is taken; the median counts. */
const TRIALS = 9;
/** Frames by which it is measured how long one takes. */
const QUIET_FRAMES = 30;
/** More than are made. */
const MANY_FRAMES = 10_000;
const STREAMS = 1000;
const STREAMED_FRAMES = 24;

/** Of the HTTP API: load generator and service share the machine. */
export interface ApiFigures {
  readonly getJobP99Ms: number;
  readonly getJobWhileGeneratingP99Ms: number;
  /** A decode step of the model while nobody asks for anything. */
  readonly decodeStepMs: number;
  /** Answers other than 200, and requests without one. */
  readonly getJobErrors: number;
  readonly createToFirstFrameMs: number;
  /** Streams of events, open at the same time, that got every frame once and in order, and the end. */
  readonly eventStreams: number;
}

/** Measures the service in one process of the runtime, without any proxy in front of it. */
export async function apiFigures(model: string, progress: (part: string) => void): Promise<ApiFigures> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'magi-bench-'));
  const runtime = await Runtime.open({ dataFolder });
  try {
    await runtime.serve();
    progress('create to first frame');
    const createToFirstFrameMs = await createToFirstFrame(runtime, model);
    progress('requests, idle');
    const idle = await askIdle(runtime, model);
    progress('requests, while generating');
    const busy = await askWhileGenerating(runtime, model);
    progress('streams of events');
    return {
      getJobP99Ms: idle.p99Ms,
      getJobWhileGeneratingP99Ms: busy.p99Ms,
      decodeStepMs: busy.decodeStepMs,
      getJobErrors: idle.errors + busy.errors,
      createToFirstFrameMs,
      eventStreams: await completeStreams(runtime),
    };
  } finally {
    await runtime.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

/** Milliseconds from sending the order to the event of the first frame that was generated, the model being loaded. */
async function createToFirstFrame({ client }: Runtime, model: string): Promise<number> {
  const card = await client.model(model);
  const image = card.channels === 4 ? await exampleImage() : undefined;
  const firstGenerated = image === undefined ? 0 : 1;
  const times: number[] = [];
  // The first one loads the model.
  for (let trial = 0; trial <= TRIALS; trial++) {
    const before = performance.now();
    const { id } = await client.create({ model, frames: 3, seed: trial, ...(image && { image }) });
    let made = Number.NaN;
    for await (const event of client.follow(id))
      if (event.type === 'frame' && event.data.index === firstGenerated) made = performance.now() - before;
    times.push(made);
  }
  return round(times.slice(1).toSorted((a, b) => a - b)[Math.floor(TRIALS / 2)] ?? Number.NaN);
}

function exampleImage(): Promise<Uint8Array> {
  return readFile(join(import.meta.dirname, '..', 'examples', 'first-frame.png'));
}

interface Load {
  readonly p99Ms: number;
  readonly errors: number;
}

async function askIdle(runtime: Runtime, model: string): Promise<Load> {
  const { id } = await runtime.client.create({ model, frames: 1, seed: 1 });
  for await (const event of runtime.client.follow(id)) if (event.type === 'completed') break;
  return load(runtime, id);
}

async function askWhileGenerating(runtime: Runtime, model: string): Promise<Load & { decodeStepMs: number }> {
  const { client } = runtime;
  const video = await client.create({ model, frames: MANY_FRAMES, seed: 1 });
  const card = await client.model(model);
  const decodeStepMs = round((await frameMs(runtime, video)) / passes(card));
  const before = (await client.retrieve(video.id)).frames.committed;
  const figures = await load(runtime, video.id);
  const { frames, status } = await client.cancel(video.id);
  if (status !== 'cancelled' || frames.committed === before)
    throw new Error('nothing was generated meanwhile');
  return { ...figures, decodeStepMs };
}

/** Milliseconds of a frame, while one listener hears of it. */
async function frameMs({ client }: Runtime, { id }: Video): Promise<number> {
  let since = Number.NaN;
  for await (const event of client.follow(id)) {
    if (event.type !== 'frame') continue;
    if (event.data.index === QUIET_FRAMES) since = performance.now();
    if (event.data.index === 2 * QUIET_FRAMES) return (performance.now() - since) / QUIET_FRAMES;
  }
  throw new Error('the video ended too soon');
}

function passes({ decode_steps }: ModelCard): number {
  return passesPerFrame(decode_steps.default, decode_steps.maximum);
}

/** Asks for a video, its requests spread over each second. */
async function load({ address }: Runtime, id: string): Promise<Load> {
  const options = {
    url: `${address}/v1/videos/${id}`,
    headers: authorized,
    connections: 1,
    overallRate: REQUESTS_PER_SECOND / CONNECTIONS,
    duration: LOAD_SECONDS,
    ignoreCoordinatedOmission: true,
    skipAggregateResult: true,
  };
  const parts = Array.from({ length: CONNECTIONS }, async (_, connection) => {
    await sleep((1000 * connection) / CONNECTIONS);
    return autocannon(options);
  });
  const { latency, errors, timeouts, non2xx, requests } = autocannon.aggregateResult(
    await Promise.all(parts),
    options,
  );
  if (requests.total < 0.9 * REQUESTS_PER_SECOND * LOAD_SECONDS)
    console.error(`only ${requests.total} requests could be sent in ${LOAD_SECONDS} s`);
  return { p99Ms: latency.p99, errors: errors + timeouts + non2xx };
}

/** One video under many eyes: listening begins while it is paused, so that all of them listen when frames come. */
async function completeStreams({ client, address }: Runtime): Promise<number> {
  const { id } = await client.create({ model: 'nano', frames: STREAMED_FRAMES, seed: 1 });
  await client.pause(id);
  const crowd = await EventCrowd.gather(`${address}/v1/videos/${id}/events`, authorized, STREAMS);
  await client.resume(id);
  return crowd.complete(STREAMED_FRAMES);
}

function round(milliseconds: number): number {
  return Math.round(10 * milliseconds) / 10;
}
