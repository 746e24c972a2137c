import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelCard } from '../../src/contract/job.ts';
import { authorized } from '../service-key.ts';
import { computedMilliseconds } from './process-figures.ts';
import { Runtime } from './runtime.ts';
import { StoredState } from './stored-state.ts';

/** Time from one request to the next, whatever becomes of them. */
const periodMs = 101;

/** Requests without an answer at a time; no more are sent. */
const mostWaiting = 20;

/** More than any trial makes. */
const frames = 10_000;

/** Frames after which everything is loaded. */
const warmFrames = 8;

/** Frames by which it is measured what one takes. */
const quietFrames = 40;

/** How far below its own priority the service's is: else the asker would be woken late by what it measures. */
const courtesy = 5;

/** How long requests for a video that is being made took. */
export interface AnswerFigures {
  readonly requests: number;
  /** What one decode step of the model computes. */
  readonly decodeStepMs: number;
  /** From sending to the whole answer. */
  readonly elapsedMs: Spread;
  /** What the service computed meanwhile: the same, but for the time that the machine gave to others. */
  readonly computedMs: Spread;
}

interface Spread {
  readonly median: number;
  readonly p99: number;
  readonly largest: number;
}

/** Asks for a video at a steady rate while it is made, for so many seconds, with each model. */
export async function measureAnswers(
  dataFolder: string,
  seconds: number,
  progress: (made: number, of: number) => void,
): Promise<Record<string, AnswerFigures>> {
  const runtime = await Runtime.open({ dataFolder, kind: 'traced' });
  const state = new StoredState(join(dataFolder, 'do'));
  try {
    await runtime.serve();
    setPriority(runtime.pid, getPriority() + courtesy);
    const models = await runtime.client.models();
    const figures: Record<string, AnswerFigures> = {};
    for (const [index, model] of models.entries()) {
      figures[model.id] = await askWhileMade(runtime, state, model, seconds);
      progress(index + 1, models.length);
    }
    return figures;
  } finally {
    await runtime.close();
  }
}

async function askWhileMade(
  runtime: Runtime,
  state: StoredState,
  model: ModelCard,
  seconds: number,
): Promise<AnswerFigures> {
  const wakes = { decodeMs: 0, graphMs: 0 };
  runtime.onWake = (trace) => {
    if (trace.event === 'begins') return;
    wakes.decodeMs += trace.decodeMs;
    wakes.graphMs += trace.graphMs;
  };
  const { id } = await runtime.client.create({ model: model.id, frames, seed: 1 });
  const frameMs = await computedPerFrame(runtime, () => state.job(id)?.cursor ?? 0);
  const answers = await askSteadily(runtime, id, seconds);
  await runtime.client.cancel(id);
  while (wakes.graphMs === 0) await sleep(200);
  return {
    requests: answers.length,
    decodeStepMs: round((frameMs * wakes.decodeMs) / wakes.graphMs / model.decode_steps.default),
    elapsedMs: spread(answers.map(({ elapsedMs }) => elapsedMs)),
    computedMs: spread(answers.map(({ computedMs }) => computedMs)),
  };
}

/** What the service computes for a frame while nobody asks for anything. */
async function computedPerFrame({ pid }: Runtime, cursor: () => number): Promise<number> {
  const reached = async (frame: number) => {
    while (cursor() < frame) await sleep(50);
    return { frame: cursor(), computedMs: computedMilliseconds(pid) };
  };
  const before = await reached(warmFrames);
  const after = await reached(before.frame + quietFrames);
  return (after.computedMs - before.computedMs) / (after.frame - before.frame);
}

interface Answer {
  readonly elapsedMs: number;
  readonly computedMs: number;
}

async function askSteadily(runtime: Runtime, id: string, seconds: number): Promise<Answer[]> {
  const answers: Promise<Answer>[] = [];
  let waiting = 0;
  for (const end = performance.now() + 1000 * seconds; performance.now() < end; await sleep(periodMs)) {
    if (waiting >= mostWaiting) continue;
    waiting++;
    const answer = asked(runtime.pid, `${runtime.address}/v1/videos/${id}`);
    answers.push(answer.finally(() => waiting--));
  }
  return Promise.all(answers);
}

async function asked(pid: number, url: string): Promise<Answer> {
  const [began, computed] = [performance.now(), computedMilliseconds(pid)];
  const answer = await fetch(url, { headers: authorized });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`a video that is being made answered ${answer.status}`);
  return { elapsedMs: performance.now() - began, computedMs: computedMilliseconds(pid) - computed };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number) => round(sorted[Math.floor(fraction * (sorted.length - 1))] ?? Number.NaN);
  return { median: at(0.5), p99: at(0.99), largest: at(1) };
}

function round(milliseconds: number): number {
  return Math.round(10 * milliseconds) / 10;
}
