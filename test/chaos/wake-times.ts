import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VideoClient } from '../../src/client/video-client.ts';
import type { ModelCard } from '../../src/contract/job.ts';
import { encodePng } from '../../src/media/png.ts';
import { cpuSeconds } from './process-figures.ts';
import { Runtime } from './runtime.ts';
import { StoredState } from './stored-state.ts';
import type { WakeTrace } from './wake-trace.ts';
import type { Variables } from './worker-recipe.ts';

/** Frames of a video whose frames cost as much as may be ordered. */
const costlyFrames = 3;

/** Frames that a fork adds to those that it shares. */
const forkedFrames = 4;

/** A budget that no wake keeps within any limit. */
const boundless: Variables = { WAKE_SECONDS: '1000000' };

/** What one model's wakes took, and what came of its videos when wakes were killed at the limit. */
export interface WakeFigures {
  readonly wakes: number;
  readonly longestCpuSeconds: number;
  readonly kills: number;
  readonly different: number;
  readonly unfinished: number;
}

export interface WakeOptions {
  /** Of the usual video of each model. */
  readonly frames: number;
  /** CPU time at which a wake is killed. */
  readonly limitSeconds: number;
  readonly dataFolder: string;
}

/**
 * Makes three videos of each model: a usual one from a given first frame, one whose frames cost as much as may be, and
 * a fork at the end of the first. Measures every wake from outside; then makes them again without a budget for a wake,
 * and kills the process as soon as one has used the limit.
 */
export async function measureWakes(
  { frames, limitSeconds, dataFolder }: WakeOptions,
  progress: (made: number, of: number) => void,
): Promise<Record<string, WakeFigures>> {
  const runtime = await Runtime.open({ dataFolder, kind: 'traced' });
  try {
    await runtime.serve();
    const models = await runtime.client.models();
    const studio = new Studio(runtime, new StoredState(join(dataFolder, 'do')), frames);
    const figures: Record<string, WakeFigures> = {};
    for (const [index, model] of models.entries()) {
      const calm = await studio.make(model, {}, Number.POSITIVE_INFINITY);
      progress(2 * index + 1, 2 * models.length);
      const killed = await studio.make(model, boundless, limitSeconds);
      progress(2 * index + 2, 2 * models.length);
      figures[model.id] = {
        wakes: calm.wakeSeconds.length,
        longestCpuSeconds: Math.max(...calm.wakeSeconds),
        kills: killed.kills,
        different: killed.videos.filter((hashes, at) => hashes.join() !== calm.videos[at]?.join()).length,
        unfinished: calm.unfinished + killed.unfinished,
      };
    }
    return figures;
  } finally {
    await runtime.close();
  }
}

/** What came of the videos of one model. */
interface Takes {
  readonly wakeSeconds: readonly number[];
  readonly kills: number;
  /** SHA-256 of every frame. */
  readonly videos: readonly (readonly string[])[];
  readonly unfinished: number;
}

/** Makes videos one at a time, and watches over the process meanwhile. */
class Studio {
  readonly #runtime: Runtime;
  readonly #state: StoredState;
  readonly #frames: number;

  constructor(runtime: Runtime, state: StoredState, frames: number) {
    this.#runtime = runtime;
    this.#state = state;
    this.#frames = frames;
  }

  async make(model: ModelCard, variables: Variables, limitSeconds: number): Promise<Takes> {
    const meter = new WakeCpuMeter(this.#runtime, variables);
    await meter.restart();
    const ids: string[] = [];
    let kills = 0;
    for (const order of ordersOf(model, this.#frames)) {
      const id = await order(this.#runtime.client, ids);
      ids.push(id);
      while (!this.#isFinished(id)) {
        if (meter.runningSeconds() >= limitSeconds) {
          await meter.restart();
          kills++;
        }
        await sleep(20);
      }
    }
    const unfinished = ids.filter((id) => this.#state.job(id)?.status !== 'completed').length;
    const videos = ids.map((id) => this.#state.frames(id));
    return { wakeSeconds: meter.wakeSeconds, kills, videos, unfinished };
  }

  #isFinished(id: string): boolean {
    return ['completed', 'failed'].includes(this.#state.job(id)?.status ?? '');
  }
}

type Order = (client: VideoClient, before: readonly string[]) => Promise<string>;

function ordersOf(model: ModelCard, frames: number): Order[] {
  const common = { model: model.id, seed: 1 };
  const costly = { decode_steps: model.decode_steps.maximum, head_steps: model.head_steps.maximum };
  return [
    async (client) => (await client.create({ ...common, frames, image: firstFrame(model) })).id,
    async (client) => (await client.create({ ...common, frames: costlyFrames, ...costly })).id,
    async (client, [first]) =>
      (await client.fork(first as string, { frames: frames + forkedFrames, seed: 2 })).id,
  ];
}

/** A picture in the model's size. */
function firstFrame({ size }: ModelCard): Uint8Array {
  const [width, height] = size.split('x').map(Number) as [number, number];
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index >> 6) % 256);
  return encodePng({ width, height, channels: 3, pixels });
}

/**
 * CPU time of the wakes of a process, as the system counts it. A wake's begins where the one before ended, so that
 * nothing in between is left out; the start of a process counts for its first wake.
 */
class WakeCpuMeter {
  readonly wakeSeconds: number[] = [];
  readonly #runtime: Runtime;
  readonly #variables: Variables;
  #isRunning = false;
  #before = 0;

  constructor(runtime: Runtime, variables: Variables) {
    this.#runtime = runtime;
    this.#variables = variables;
    runtime.onWake = (trace) => this.#hear(trace);
  }

  /** CPU time of the wake that is running; 0 where none is. */
  runningSeconds(): number {
    return this.#isRunning ? this.#sinceLast() : 0;
  }

  /** Kills the process and starts it again. */
  async restart(): Promise<void> {
    await this.#runtime.kill();
    this.#isRunning = false;
    this.#before = 0;
    await this.#runtime.serve(this.#variables);
  }

  #hear({ event }: WakeTrace): void {
    this.#isRunning = event === 'begins';
    if (this.#isRunning) return;
    this.wakeSeconds.push(this.#sinceLast());
    this.#before += this.#sinceLast();
  }

  #sinceLast(): number {
    return cpuSeconds(this.#runtime.pid) - this.#before;
  }
}
