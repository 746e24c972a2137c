import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../seeded-random.ts';
import { type Findings, Inspector } from './inspector.ts';
import { expectedFrames, OrderBook, type Plan } from './order-book.ts';
import { Runtime } from './runtime.ts';
import { StoredState } from './stored-state.ts';
import type { Variables } from './worker-recipe.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Videos in work at a time. */
  readonly jobs: number;
  readonly plans: readonly Plan[];
  readonly dataFolder: string;
  readonly say: (line: string) => void;
}

/** Longest time that a service lives before it is killed. */
const longestLifeMs = 1500;

/** Parts of the kills that come while the process starts, and before its first answer. */
const earlyKills = { start: 0.1, answer: 0.15 };

/** After so many attempts at a frame the service lives until it is made: five would rightly end the job. */
const attemptsBeforeMercy = 3;

/** Longer than the account waits before it looks for a hold without a job. */
const sweepSeconds = 100;

/** Frames of a wake: parts of one, a few, all. */
const wakeSeconds = ['0.02', '0.2', '0.5', '3'];

/** Kills a working service again and again, and compares in the end what it made with what it should have made. */
export class Campaign {
  readonly runtime: Runtime;
  readonly inspector: Inspector;
  readonly book: OrderBook;
  readonly state: StoredState;
  /** Times that the service was left alive because a frame had used up most of its attempts. */
  mercies = 0;
  kills = 0;
  readonly #options: CampaignOptions;
  readonly #random: SeededRandom;
  #expected: Map<number, readonly string[]> = new Map();
  #isOver = false;
  #isOrdering = false;
  #tending: Promise<void> = Promise.resolve();

  private constructor(options: CampaignOptions, runtime: Runtime) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.runtime = runtime;
    this.state = new StoredState(join(options.dataFolder, 'do'));
    this.inspector = new Inspector(this.state, options.say);
    this.book = new OrderBook(runtime, options.plans, this.#random);
  }

  /** Makes every kind of video once without interruption. */
  static async prepare(options: CampaignOptions): Promise<Campaign> {
    const campaign = new Campaign(options, await Runtime.open({ dataFolder: options.dataFolder }));
    await campaign.runtime.serve();
    campaign.#expected = await expectedFrames(campaign.runtime.client, options.plans);
    await campaign.runtime.kill();
    campaign.#tending = campaign.book.keep(
      () => campaign.#isOrdering,
      options.jobs,
      () => campaign.#isOver,
    );
    return campaign;
  }

  /** Random kills. */
  async killRepeatedly(kills: number, progress: (done: number) => void): Promise<void> {
    this.#isOrdering = true;
    for (let done = 0; done < kills; done++) {
      const variables = { WAKE_SECONDS: this.#random.pick(wakeSeconds) };
      await this.#live(variables);
      await this.kill();
      progress(done + 1);
    }
    this.#isOrdering = false;
  }

  async #live(variables: Variables): Promise<void> {
    const moment = this.#attempts < attemptsBeforeMercy ? this.#random.fraction() : 1;
    const lifeMs = longestLifeMs * this.#random.fraction();
    const { listening } = await this.runtime.start(variables);
    if (moment >= earlyKills.start) await listening;
    if (moment >= earlyKills.start + earlyKills.answer) {
      await this.runtime.client.models();
      await this.#mercy();
    }
    await sleep(lifeMs);
  }

  /** One kill, and what must hold after it. */
  async kill(): Promise<void> {
    await this.runtime.kill();
    this.kills++;
    this.inspector.afterKill();
    this.#attempts = this.inspector.attempts();
  }

  #attempts = 0;

  async #mercy(): Promise<void> {
    if (this.#attempts < attemptsBeforeMercy) return;
    this.mercies++;
    for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50))
      if (this.inspector.attempts() < attemptsBeforeMercy) return;
  }

  /** Starts where the next kill is not chance's but a crash point's; shows mercy in a life of its own. */
  async serve(variables: Variables): Promise<void> {
    if (this.#attempts >= attemptsBeforeMercy) {
      await this.runtime.serve();
      await this.#mercy();
      await this.kill();
    }
    await this.runtime.serve(variables);
  }

  /** Lets everything finish, looks at all of it, and ends. */
  async finish(): Promise<{ videos: number; findings: Findings }> {
    await this.runtime.serve();
    const everything = Promise.all(this.book.orders.map(({ heard }) => heard));
    const patience = sleep(180_000, 'late', { ref: false });
    if ((await Promise.race([everything, patience])) === 'late') this.#options.say('videos do not finish');
    const videos = await this.#allVideos();
    await this.#settled();
    await this.runtime.kill();
    this.inspector.atEnd(videos);
    for (const { id, plan, listener } of this.book.orders) {
      const expected = this.#expected.get(plan.seed) ?? [];
      this.inspector.heard(id, listener.faults);
      if (listener.hashes.join() !== expected.slice(0, listener.hashes.length).join())
        this.inspector.different(id, listener.hashes, expected);
    }
    await this.close();
    return { videos: videos.length, findings: this.inspector.findings };
  }

  async close(): Promise<void> {
    this.#isOver = true;
    for (const { listener } of this.book.orders) listener.close();
    await this.#tending;
    await this.runtime.close();
  }

  /** Those whose orders were never answered, too. */
  async #allVideos() {
    const { client } = this.runtime;
    const videos = [];
    for (let after: string | undefined; ; ) {
      const page = await client.list({ limit: 100, ...(after === undefined ? {} : { after }) });
      for (const { id, seed } of page.data) {
        for (
          let left = 600;
          left > 0 && !['completed', 'failed', 'cancelled'].includes((await client.retrieve(id)).status);
          left--
        )
          await sleep(100);
        videos.push(this.#ended(id, seed));
      }
      if (!page.has_more || page.last_id === null) return videos;
      after = page.last_id;
    }
  }

  #ended(id: string, seed: number) {
    const expected = this.#expected.get(seed);
    if (expected === undefined) throw new Error(`nobody ordered the video ${id} with seed ${seed}`);
    const isComplete = this.book.orders.some((ordered) => ordered.id === id);
    return { id, expected, isComplete };
  }

  /** Waits until the account has heard of everything, and has looked for holds without a job. */
  async #settled(): Promise<void> {
    for (const end = Date.now() + sweepSeconds * 1000; Date.now() < end; await sleep(200))
      if (this.state.account().holds.every(({ isEnded }) => isEnded)) return;
  }
}
