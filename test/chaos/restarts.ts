import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from './process-figures.ts';
import type { Runtime } from './runtime.ts';
import type { StoredState } from './stored-state.ts';

/** Milliseconds from the start of a killed service to the next frame, each as median and largest. */
export interface RestartFigures {
  /** From the first request on, sent as soon as the service listens. */
  readonly withRequest: Spread;
  /** From listening on, without any request. */
  readonly withoutRequest: Spread;
  /** CPU time of all threads meanwhile, with a request: what one processor takes that nobody else keeps busy. */
  readonly cpuWithRequest: Spread;
}

interface Spread {
  readonly median: number;
  readonly largest: number;
}

/** Kills the service in the middle of a video and measures how soon it goes on. */
export async function measureRestarts(
  runtime: Runtime,
  state: StoredState,
  count: number,
): Promise<RestartFigures> {
  await runtime.serve();
  const { id } = await runtime.client.create({ model: 'nano', frames: 10_000, seed: 1 });
  const times: Record<'with' | 'without', number[]> = { with: [], without: [] };
  const cpuTimes: number[] = [];
  for (const kind of Array.from({ length: count }, () => ['with', 'without'] as const).flat()) {
    const cursor = () => state.job(id)?.cursor ?? 0;
    await later(cursor, cursor() + 2);
    await runtime.kill();
    const before = cursor();
    await runtime.serve();
    const [began, cpuBefore] = [performance.now(), cpuSeconds(runtime.pid)];
    if (kind === 'with') void runtime.client.retrieve(id).catch(() => undefined);
    await later(cursor, before + 1);
    times[kind].push(Math.round(performance.now() - began));
    if (kind === 'with') cpuTimes.push(Math.round(1000 * (cpuSeconds(runtime.pid) - cpuBefore)));
  }
  await runtime.kill();
  return {
    withRequest: spread(times.with),
    withoutRequest: spread(times.without),
    cpuWithRequest: spread(cpuTimes),
  };
}

async function later(value: () => number, wanted: number): Promise<void> {
  for (const end = Date.now() + 60_000; value() < wanted; await sleep(10))
    if (Date.now() > end) throw new Error('no frame came in a minute');
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, largest: sorted.at(-1) ?? 0 };
}
