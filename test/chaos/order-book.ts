import { setTimeout as sleep } from 'node:timers/promises';
import type { VideoClient, VideoOrder } from '../../src/client/video-client.ts';
import type { Video } from '../../src/contract/job.ts';
import { encodePng } from '../../src/media/png.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { Listener } from './listener.ts';
import { sha256 } from './stored-state.ts';

/** One kind of order; its seed tells it from the others, and belongs to the last leg of its video. */
export interface Plan {
  readonly kind: 'plain' | 'image' | 'extend' | 'fork' | 'rest';
  readonly seed: number;
  readonly frames: number;
  /** Frames that an extension adds. */
  readonly more: number;
}

/** The last frame that forks share with the plain video. */
const forkFrame = 4;

/** @param scale how long the videos are */
export function plansOf(seed: number, scale: number): Plan[] {
  const lengths: Omit<Plan, 'seed'>[] = [
    { kind: 'plain', frames: 8, more: 0 },
    { kind: 'image', frames: 6, more: 0 },
    { kind: 'extend', frames: 4, more: 3 },
    { kind: 'fork', frames: 9, more: 0 },
    { kind: 'rest', frames: 12, more: 0 },
    { kind: 'plain', frames: 17, more: 0 },
  ];
  return lengths.map((plan, index) => ({
    ...plan,
    seed: 100 * seed + index,
    frames: plan.frames * scale,
  }));
}

/** A video that was ordered, and what is heard of it. */
export interface Ordered {
  readonly id: string;
  readonly plan: Plan;
  readonly listener: Listener;
  /** Resolves when the whole video has been heard. */
  readonly heard: Promise<void>;
  isHeard: boolean;
}

/** Orders videos, extends, forks, pauses and resumes them, and listens to each. The service may be away at any time. */
export class OrderBook {
  readonly orders: Ordered[] = [];
  /** Answers that nothing explains, such as HTTP 500 from a service that lives. */
  readonly refusals = new Map<string, number>();
  readonly #address: string;
  readonly #client: VideoClient;
  readonly #random: SeededRandom;
  readonly #plans: readonly Plan[];
  #next = 0;

  constructor(
    service: { address: string; client: VideoClient },
    plans: readonly Plan[],
    random: SeededRandom,
  ) {
    this.#address = service.address;
    this.#client = service.client;
    this.#plans = plans;
    this.#random = random;
  }

  get unfinished(): Ordered[] {
    return this.orders.filter((ordered) => !ordered.isHeard);
  }

  /** Keeps so many videos in work until told to stop; then only what those that there are still need. */
  async keep(isWanted: () => boolean, count: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        if (isWanted() && this.unfinished.length < count) await this.order(this.#nextPlan());
        for (const ordered of this.unfinished) await this.#tend(ordered);
      } catch (error) {
        const name = error instanceof Error && 'code' in error ? String(error.code) : 'connection';
        this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
      }
      await sleep(50);
    }
  }

  async order(plan: Plan): Promise<Ordered | null> {
    if (plan.kind !== 'fork') return this.#noted(plan, await this.#client.create(orderOf(plan)));
    const source = this.orders.findLast(
      (ordered) => ordered.plan === this.#plans[0] && ordered.listener.indices.length > forkFrame,
    );
    if (source === undefined) return null;
    const { frames, seed } = plan;
    return this.#noted(plan, await this.#client.fork(source.id, { frame: forkFrame, frames, seed }));
  }

  #noted(plan: Plan, video: Video): Ordered {
    const listener = new Listener(this.#address, video.id);
    const ordered = { id: video.id, plan, listener, isHeard: false, heard: heardWhole(listener, plan) };
    void ordered.heard.then(() => {
      ordered.isHeard = true;
    });
    this.orders.push(ordered);
    return ordered;
  }

  #nextPlan(): Plan {
    return this.#plans[this.#next++ % this.#plans.length] as Plan;
  }

  async #tend({ id, plan }: Ordered): Promise<void> {
    if (plan.kind === 'extend') await extendOnce(this.#client, id, plan);
    if (plan.kind !== 'rest') return;
    const { status } = await this.#client.retrieve(id);
    if (status === 'paused') await this.#client.resume(id);
    else if (this.#random.chance(0.1) && (status === 'queued' || status === 'in_progress'))
      await this.#client.pause(id);
  }
}

async function heardWhole(listener: Listener, plan: Plan): Promise<void> {
  while (true) {
    await listener.listen();
    if (listener.ending !== 'completed' || listener.indices.length >= plan.frames + plan.more) return;
    await sleep(200);
  }
}

async function extendOnce(client: VideoClient, id: string, plan: Plan): Promise<void> {
  const { status, frames } = await client.retrieve(id);
  if (status === 'completed' && frames.requested === plan.frames)
    await client.extend(id, { frames: plan.more });
}

export function orderOf({ kind, seed, frames }: Plan): VideoOrder {
  const order = { model: 'nano', seed, frames };
  return kind === 'image' ? { ...order, image: firstFrame(seed) } : order;
}

function firstFrame(seed: number): Uint8Array {
  const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, index) => (index * 7 + seed * 31) % 256);
  return encodePng({ width: 32, height: 32, channels: 3, pixels });
}

/** SHA-256 of every frame of every plan's video, made without interruption. */
export async function expectedFrames(
  client: VideoClient,
  plans: readonly Plan[],
): Promise<Map<number, readonly string[]>> {
  const expected = new Map<number, readonly string[]>();
  let first = '';
  for (const plan of plans) {
    const { frames, seed } = plan;
    const isFork = plan.kind === 'fork';
    const { id } = isFork
      ? await client.fork(first, { frame: forkFrame, frames, seed })
      : await client.create(orderOf(plan));
    first ||= id;
    await completed(client, id);
    if (plan.more > 0) {
      await client.extend(id, { frames: plan.more });
      await completed(client, id);
    }
    const { committed } = (await client.retrieve(id)).frames;
    const hashes = await Promise.all(
      Array.from({ length: committed }, async (_, index) => sha256(await client.frame(id, index))),
    );
    expected.set(seed, hashes);
    if (committed !== frames + plan.more) throw new Error(`an undisturbed video has ${committed} frames`);
  }
  return expected;
}

async function completed(client: VideoClient, id: string): Promise<void> {
  for await (const event of client.follow(id)) {
    if (event.type === 'failed') throw new Error(`an undisturbed video failed: ${event.data.error?.message}`);
  }
}
