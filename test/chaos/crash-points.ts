import { setTimeout as sleep } from 'node:timers/promises';
import type { CrashPoint } from '../../src/job/crash-point.ts';
import type { Campaign } from './campaign.ts';
import { orderOf, type Plan } from './order-book.ts';
import type { Variables } from './worker-recipe.ts';

/** What brings a service to a crash point. */
interface Scene {
  readonly plans: readonly Plan['kind'][];
  readonly variables?: Variables;
  /** Which time it comes there. */
  readonly count?: number;
}

const plain: Scene = { plans: ['plain'] };

const later: Scene = { plans: ['plain'], count: 3 };

/** Videos that wait for one another. */
const queue: Scene = { plans: ['plain', 'image', 'plain'] };

/** Points that have tests of their own: of a video that fails, expires or is removed, of its webhook, of orders with a key. */
type Apart = 'write:end' | 'write:gone' | 'forget' | 'random' | 'deliver' | 'write:delivery' | 'answer-noted';

const scenes: Record<Exclude<CrashPoint, Apart>, Scene> = {
  'hold-opened': plain,
  ordered: plain,
  read: later,
  clock: later,
  settlement: later,
  outbox: plain,
  turn: plain,
  wait: queue,
  sync: plain,
  compute: later,
  share: { plans: ['fork'] },
  settle: plain,
  'write:attempt': plain,
  'write:frame': later,
  'write:last-frame': plain,
  'write:shared': { plans: ['fork'] },
  'write:replayed': { plans: ['fork'] },
  'write:part': { plans: ['plain'], variables: { WAKE_SECONDS: '0.02' } },
  'write:settled': plain,
  'write:wake-at': queue,
};

/** Points of writes are tried a second time with the thread stopped, so that the write before is lost, too. */
export const crashPointBindings: readonly string[] = Object.entries(scenes).flatMap(
  ([name, { count = 1 }]) =>
    name.startsWith('write:') || name === 'sync'
      ? [`${name}#${count}`, `${name}#${count}!`]
      : [`${name}#${count}`],
);

const longestSeconds = 60;

/** Has the service die once at a crash point, with the videos that bring it there. */
export async function dieAt(campaign: Campaign, binding: string, plans: readonly Plan[]): Promise<void> {
  const scene = scenes[binding.replace(/#.*/, '') as keyof typeof scenes];
  await campaign.serve({ ...scene.variables, CRASH_POINT: binding });
  let isOver = false;
  for (const kind of scene.plans) {
    const plan = plans.find((one) => one.kind === kind) as Plan;
    // Not awaited: at some points nobody answers any more.
    void orderUntil(campaign, plan, () => isOver);
  }
  try {
    await campaign.runtime.crashed(longestSeconds);
  } catch (error) {
    throw new Error(`${binding}: ${(error as Error).message}`);
  } finally {
    isOver = true;
    await campaign.kill();
  }
}

/** Orders a video, again where it was refused, or where the video that it forks has too few frames yet. */
async function orderUntil(campaign: Campaign, plan: Plan, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const ordered = await campaign.book.order(plan).catch(() => null);
    if (ordered !== null) return;
    await sleep(200);
  }
}

/** Days after which a resting video expires: about a second. */
const soon = '0.00001';

/** Dies where all of a removed video is about to be deleted. True if it is deleted afterwards. */
export async function dieForgetting(campaign: Campaign, plan: Plan): Promise<boolean> {
  const id = await cancelled(campaign, plan);
  await campaign.serve({ CRASH_POINT: 'forget#1' });
  await campaign.runtime.client.remove(id);
  await campaign.runtime.crashed(longestSeconds);
  await campaign.kill();
  return await becomes(campaign, () => campaign.state.job(id) === null);
}

/** Dies where a video that has expired is about to be deleted. True if its frames are deleted afterwards. */
export async function dieExpiring(campaign: Campaign, plan: Plan): Promise<boolean> {
  const id = await cancelled(campaign, plan, { EXPIRY_DAYS: soon });
  await campaign.serve({ CRASH_POINT: 'write:gone#1', EXPIRY_DAYS: soon });
  await campaign.runtime.crashed(longestSeconds);
  await campaign.kill();
  return await becomes(campaign, () => {
    const job = campaign.state.job(id);
    return job?.status === 'expired' && job.frames === 0;
  });
}

async function cancelled(campaign: Campaign, plan: Plan, variables: Variables = {}): Promise<string> {
  const { client } = campaign.runtime;
  await campaign.serve(variables);
  const { id } = await client.create({ ...orderOf(plan), frames: 1000 });
  await client.cancel(id);
  await campaign.kill();
  return id;
}

async function becomes(campaign: Campaign, isSo: () => boolean): Promise<boolean> {
  await campaign.serve({});
  for (let left = 300; left > 0 && !isSo(); left--) await sleep(100);
  await campaign.kill();
  return isSo();
}
