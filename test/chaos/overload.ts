import { setTimeout as sleep } from 'node:timers/promises';
import { Video } from '../../src/contract/job.ts';
import { authorized } from '../service-key.ts';
import { Runtime } from './runtime.ts';

/** Videos that may be unfinished at a time. */
const unfinishedVideos = 8;

/** Videos by which it is measured how many the service makes in a second. */
const measuredVideos = 8;

/** How many times as many are ordered as the service makes. */
const excess = 2;

const order = { model: 'nano', frames: 8, decode_steps: 2, head_steps: 2, seed: 1 };

/** What was answered to more orders than the service can carry out, and what became of those it took. */
export interface OverloadFigures {
  readonly ordersPerMinute: number;
  readonly accepted: number;
  /** Answered 429 or 503 with retry-after. */
  readonly refused: number;
  /** Answered otherwise, or not at all. */
  readonly otherwise: number;
  /** Accepted, but not completed. */
  readonly lost: number;
}

/** Orders twice as many videos as the service makes, for so many seconds; then waits for all that it took. */
export async function overload(dataFolder: string, seconds: number): Promise<OverloadFigures> {
  const runtime = await Runtime.open({ dataFolder });
  try {
    await runtime.serve({ UNFINISHED_VIDEOS: String(unfinishedVideos) });
    const periodMs = (await millisecondsPerVideo(runtime)) / excess;
    const answers: Promise<Answered>[] = [];
    for (const end = performance.now() + 1000 * seconds; performance.now() < end; await sleep(periodMs))
      answers.push(ordered(runtime));
    const all = await Promise.all(answers);
    const accepted = all.filter((answer) => answer !== 'refused' && answer !== 'otherwise');
    const ends = await Promise.all(accepted.map(({ id }) => ended(runtime, id)));
    return {
      ordersPerMinute: Math.round(60_000 / periodMs),
      accepted: accepted.length,
      refused: all.filter((answer) => answer === 'refused').length,
      otherwise: all.filter((answer) => answer === 'otherwise').length,
      lost: ends.filter((status) => status !== 'completed').length,
    };
  } finally {
    await runtime.close();
  }
}

/** With as many videos in work as may be. */
async function millisecondsPerVideo(runtime: Runtime): Promise<number> {
  await ended(runtime, (await runtime.client.create(order)).id);
  const began = performance.now();
  const videos = Array.from({ length: measuredVideos }, () => runtime.client.create(order));
  for (const { id } of await Promise.all(videos)) await ended(runtime, id);
  return (performance.now() - began) / measuredVideos;
}

type Answered = { readonly id: string } | 'refused' | 'otherwise';

async function ordered({ address }: Runtime): Promise<Answered> {
  try {
    const answer = await fetch(`${address}/v1/videos`, {
      method: 'POST',
      headers: { ...authorized, 'content-type': 'application/json' },
      body: JSON.stringify(order),
    });
    const body = await answer.json();
    if (answer.status === 200) return { id: Video.parse(body).id };
    const isRefusal = answer.status === 429 || answer.status === 503;
    return isRefusal && Number(answer.headers.get('retry-after')) > 0 ? 'refused' : 'otherwise';
  } catch {
    return 'otherwise';
  }
}

/** How a video ended; what it is after five minutes without an end. */
async function ended({ client }: Runtime, id: string): Promise<string> {
  for (let left = 600; ; left--) {
    const { status } = await client.retrieve(id);
    if (['completed', 'failed', 'cancelled'].includes(status) || left === 0) return status;
    await sleep(500);
  }
}
