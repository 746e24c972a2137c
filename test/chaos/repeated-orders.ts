import { setTimeout as sleep } from 'node:timers/promises';
import { Video } from '../../src/contract/job.ts';
import { SeededRandom } from '../seeded-random.ts';
import { authorized } from '../service-key.ts';
import { Runtime } from './runtime.ts';
import type { StoredState } from './stored-state.ts';

/** Keys in use at a time, and posts of each that are sent at once. */
const stepKeys = 10;
const postsPerKey = 100;

/** Longer than an order that was broken off between its hold and its video has to wait. */
const patienceSeconds = 150;

/** Where the service dies in a step, again and again: at a point of an order, or at a random moment. */
const deaths = ['hold-opened', 'moment', 'ordered', 'moment', 'answer-noted', 'moment'] as const;

/** Longest time that a service lives before it is killed at a random moment. */
const longestLifeMs = 1500;

const small = { frames: 1, decode_steps: 1, head_steps: 1 };
const first = { ...small, model: 'nano', seed: 1 };

/** What came of orders under keys, each sent a hundred times at once, while the service was killed. */
export interface RepeatedFigures {
  readonly keys: number;
  /** Posts that have to be answered. */
  readonly orders: number;
  /** Requests that were sent for it. */
  readonly requests: number;
  readonly kills: number;
  /** Videos that the keys made, and extensions. */
  readonly jobs: number;
  readonly extensions: number;
  /** Holds that were paid from, and those of orders that came to nothing. */
  readonly holds: number;
  readonly givenBack: number;
  /** Answers that are not the first one of their key. */
  readonly different: number;
  readonly unanswered: number;
}

interface KeyedOrder {
  readonly key: string;
  readonly path: string;
  readonly body: object;
  readonly answers: Set<string>;
}

/** Sends orders under so many keys, a few keys at a time, and kills the service in each step. */
export async function repeatOrders(
  { dataFolder, state }: { dataFolder: string; state: StoredState },
  { keys, seed }: { keys: number; seed: number },
  progress: (done: number) => void,
): Promise<RepeatedFigures> {
  const runtime = await Runtime.open({ dataFolder });
  const random = new SeededRandom(seed);
  const count = { keys, orders: keys * postsPerKey, requests: 0, kills: 0, different: 0, unanswered: 0 };
  try {
    await serve(runtime);
    const source = await completed(runtime, first);
    const before: string[] = [source];
    for (let done = 0, step = 0; done < keys; done += stepKeys, step++) {
      const orders: KeyedOrder[] = [];
      for (let index = done; index < Math.min(keys, done + stepKeys); index++) {
        const order = await keyedOrder(runtime, `key ${index}`, index, source);
        if (order.path.endsWith('/extend')) before.push(order.path.split('/')[3] as string);
        orders.push(order);
      }
      await runtime.kill();
      await answerAll(runtime, orders, count, () =>
        die(runtime, deaths[step % deaths.length] as (typeof deaths)[number], random),
      );
      count.kills++;
      progress(done + orders.length);
    }
    return { ...count, ...(await carriedOut(runtime, state, before)) };
  } finally {
    await runtime.close();
  }
}

function serve(runtime: Runtime, crashPoint = ''): Promise<void> {
  return runtime.serve({ UNFINISHED_VIDEOS: '1000000', CRASH_POINT: crashPoint });
}

/** New videos, forks, and extensions of videos that are made for it. */
async function keyedOrder(runtime: Runtime, key: string, index: number, source: string): Promise<KeyedOrder> {
  const answers = new Set<string>();
  const body = { ...first, seed: undefined, metadata: { key } };
  if (index % 4 < 2) return { key, path: '/v1/videos', body, answers };
  if (index % 4 === 2)
    return { key, path: `/v1/videos/${source}/fork`, body: { frame: 0, frames: 2 }, answers };
  const id = await completed(runtime, first);
  return { key, path: `/v1/videos/${id}/extend`, body: { frames: 1 }, answers };
}

async function completed({ client }: Runtime, order: object): Promise<string> {
  const { id } = await client.create(order);
  for (let left = 1200; left > 0; left--) {
    if ((await client.retrieve(id)).status === 'completed') return id;
    await sleep(50);
  }
  throw new Error(`video ${id} is not completed in a minute`);
}

/** Posts until every post is answered, and meanwhile lets the service die once. */
async function answerAll(
  runtime: Runtime,
  orders: readonly KeyedOrder[],
  count: { requests: number; different: number; unanswered: number },
  dies: () => Promise<void>,
): Promise<void> {
  const end = Date.now() + 1000 * patienceSeconds;
  const dead = dies();
  const posts = orders.flatMap((order) =>
    Array.from({ length: postsPerKey }, async () => {
      const answer = await answered(runtime, order, end, () => count.requests++);
      if (answer === null) count.unanswered++;
      else order.answers.add(answer);
    }),
  );
  await Promise.all([dead, ...posts]);
  for (const { answers } of orders) count.different += Math.max(0, answers.size - 1);
}

/** The service dies as told, at the moment or point, and is started again. */
async function die(runtime: Runtime, death: (typeof deaths)[number], random: SeededRandom): Promise<void> {
  const lifeMs = longestLifeMs * random.fraction();
  await serve(runtime, death === 'moment' ? '' : `${death}#${random.between(1, 3)}`);
  if (death === 'moment') await sleep(lifeMs);
  else await runtime.crashed(60);
  await runtime.kill();
  await serve(runtime);
}

/** The first answer that is none of being carried out; null where none came in time. Links are signed anew each time. */
async function answered(
  { address }: Runtime,
  { key, path, body }: KeyedOrder,
  end: number,
  sent: () => void,
): Promise<string | null> {
  while (Date.now() < end) {
    try {
      sent();
      const answer = await fetch(address + path, {
        method: 'POST',
        headers: { ...authorized, 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      if (answer.status === 200) {
        const { links: _, ...video } = Video.parse(JSON.parse(text));
        return JSON.stringify(video);
      }
      if (answer.status !== 409) return `${answer.status} ${text}`;
      await sleep(1000 * Number(answer.headers.get('retry-after')));
    } catch {
      await sleep(250);
    }
  }
  return null;
}

/** What the keys' orders made, once everything has come to rest. */
async function carriedOut(runtime: Runtime, state: StoredState, before: readonly string[]) {
  for (const end = Date.now() + 1000 * patienceSeconds; Date.now() < end; await sleep(500))
    if (state.account().holds.every(({ isEnded }) => isEnded)) break;
  await runtime.kill();
  const holds = state.account().holds.filter(({ jobId, hold }) => hold > 0 || !before.includes(jobId));
  const paid = holds.filter(({ captured }) => captured > 0);
  return {
    jobs: state.ids().filter((id) => !before.includes(id) && state.job(id) !== null).length,
    extensions: paid.filter(({ jobId }) => before.includes(jobId)).length,
    holds: paid.length,
    givenBack: holds.length - paid.length,
  };
}
