import type { Ticket } from '../../src/billing/claims.ts';
import type { Price } from '../../src/billing/price.ts';
import type { JobSpec, LabelChange } from '../../src/contract/job.ts';
import type { NewJob } from '../../src/job/job-directory.ts';
import type { Order, OrderedCommand } from '../../src/job/job-record.ts';
import { extensionPrice, newJobPrice } from '../../src/job/order-price.ts';
import { isFinished } from '../../src/job/state-table.ts';
import { givenContent, newPlan, type PlannedFrame } from './frame-content.ts';
import type { SimulatedAccount } from './simulated-account.ts';
import { type JobNature, type SeenJob, SimulatedJob } from './simulated-job.ts';
import { SimulatedOrders } from './simulated-orders.ts';
import type { SimulatedReceiver } from './simulated-receiver.ts';
import type { World } from './world.ts';

const neverMilliseconds = 1e12;

/** What owners do, at random; each of their calls is made as durableJobDirectory makes it. */
export class SimulatedClients {
  readonly #world: World;
  readonly #account: SimulatedAccount;
  readonly #receiver: SimulatedReceiver;
  readonly #jobs: Map<string, SimulatedJob>;
  readonly #orders: SimulatedOrders;
  readonly #expiryMs: number;

  constructor(
    world: World,
    others: { readonly account: SimulatedAccount; readonly receiver: SimulatedReceiver },
    jobs: Map<string, SimulatedJob>,
  ) {
    this.#world = world;
    this.#account = others.account;
    this.#receiver = others.receiver;
    this.#jobs = jobs;
    this.#orders = new SimulatedOrders(world, others.account, jobs);
    this.#expiryMs = world.random.chance(0.3) ? world.random.between(300, 30_000) : neverMilliseconds;
  }

  /** Begins one to three videos now, and lets their owners come again. */
  begin(): void {
    const { random, moneyRandom } = this.#world;
    for (let video = random.between(1, 3); video > 0; video--) {
      this.#world.at(random.below(200), () => this.#createNew());
      for (let visit = random.below(5); visit > 0; visit--)
        this.#world.at(random.below(random.pick([300, 1500, 8000, 40_000])), () => this.#visit());
    }
    for (let payment = moneyRandom.below(4); payment > 0; payment--)
      this.#world.at(moneyRandom.below(moneyRandom.pick([300, 8000])), () => this.#topUp());
  }

  /** Asks for the list and for every video in it: whoever asks wakes what has been forgotten. */
  lookAtAll(): void {
    this.#world.call(
      this.#account,
      () => this.#account.state.listed,
      (listed) => {
        for (const id of listed) this.#look(this.#jobs.get(id) as SimulatedJob, () => undefined);
      },
    );
  }

  #visit(): void {
    const { random } = this.#world;
    const job = this.#anyJob();
    if (job === undefined) return;
    const action = random.below(18);
    if (action < 3) this.#command(job, { kind: 'cancel' });
    else if (action < 5) this.#command(job, { kind: 'pause' });
    else if (action < 7) this.#command(job, { kind: 'resume' });
    else if (action < 10) this.#pauseAndResume(job);
    else if (action < 12) this.#look(job, (seen) => this.#extend(job, seen));
    else if (action < 14) this.#look(job, (seen) => this.#fork(job, seen));
    else if (action < 15) this.#look(job, () => undefined);
    else if (action < 16) this.#remove(job);
    else this.#command(job, { kind: 'notify', webhookUrl: this.#webhookUrl() });
  }

  /** Again and again under the same references: each counts once. */
  #topUp(): void {
    const payment = this.#world.moneyRandom.between(1, 4);
    this.#world.call(
      this.#account,
      () => this.#account.credit(`payment ${payment}`, 25 * payment),
      () => undefined,
    );
  }

  #remove(job: SimulatedJob): void {
    this.#world.call(
      job,
      () => job.remove(),
      () => undefined,
    );
  }

  #anyJob(): SimulatedJob | undefined {
    const { random } = this.#world;
    const place = random.below(Math.max(1, this.#jobs.size));
    return [...this.#jobs.values()][place];
  }

  #createNew(): void {
    const { random, moneyRandom } = this.#world;
    const frames = random.between(1, 5);
    const leg = { from: 0, seed: random.below(100), interval: random.between(1, 3) };
    const labels = this.#labels(0, frames);
    const isGiven = random.chance(0.3);
    const before: PlannedFrame[] = isGiven ? [{ kind: 'given', content: givenContent }] : [];
    const frameCredits = moneyRandom.between(1, 9);
    const job = newJob({ frames, legs: [leg], labels }, this.#world.build, frameCredits);
    const order = { ...job, firstFrame: isGiven ? noBytes : null };
    const plan = newPlan(before, leg, frames, labels);
    this.#orders.place((ticket) => this.#create(order, plan, ticket));
  }

  #fork(source: SimulatedJob, { job, frames: made }: SeenJob): void {
    const { random, moneyRandom } = this.#world;
    if (made.length === 0) return;
    const shared = random.between(1, made.length);
    const frames = shared + random.between(1, 3);
    const leg = { from: shared, seed: random.below(100), interval: random.between(1, 3) };
    const labels = this.#labels(shared, frames);
    const spec = {
      frames,
      legs: [...job.spec.legs.filter(({ from }) => from < shared), leg],
      labels: [...job.spec.labels.filter(({ from }) => from < shared), ...labels],
    };
    const copied = made.slice(0, shared).map((content) => ({ kind: 'copied', content }) as const);
    const plan = newPlan(copied, leg, frames, spec.labels);
    const fork = newJob(spec, job.build, moneyRandom.between(1, 9));
    const order = { ...fork, source: { id: source.id, frames: shared } };
    this.#orders.place((ticket) => this.#create(order, plan, ticket));
  }

  #create(order: NewJob, plan: readonly PlannedFrame[], ticket: Ticket | null): void {
    const id = `job ${this.#jobs.size}`;
    const surroundings = {
      nature: this.#nature(),
      account: this.#account,
      receiver: this.#receiver,
      others: this.#jobs,
    };
    const job = new SimulatedJob(id, this.#world, surroundings);
    this.#jobs.set(id, job);
    this.#open({ id, price: newJobPrice(order), ticket }, ({ hold, ...opened }) =>
      this.#world.call(
        job,
        () => job.create({ ...order, webhookUrl: this.#webhookUrl() }, { ...opened, hold }, plan),
        (answer) => {
          this.#dropUnless(answer === 'created', id, hold);
          if (answer === 'created') this.#orders.carriedOut(ticket, id, hold);
        },
      ),
    );
  }

  #command(job: SimulatedJob, command: OrderedCommand): void {
    this.#world.call(
      job,
      () => job.command(command),
      () => undefined,
    );
  }

  #pauseAndResume(job: SimulatedJob): void {
    this.#command(job, { kind: 'pause' });
    this.#world.at(this.#world.random.below(50), () => this.#command(job, { kind: 'resume' }));
  }

  #extend(job: SimulatedJob, { job: seen, frames: made }: SeenJob): void {
    const { random, moneyRandom } = this.#world;
    if (!isFinished(seen.status)) return;
    const from = made.length;
    const frames = from + random.between(1, 3);
    const interval = random.chance(0.5) ? random.between(1, 3) : undefined;
    const labels = random.chance(0.5) ? this.#labels(from, frames) : undefined;
    const command = { kind: 'extend' as const, from, frames, interval, labels };
    const price = extensionPrice({ from, frames, frameCredits: moneyRandom.between(1, 9) }, seen);
    this.#orders.place((ticket) =>
      this.#open({ id: job.id, price, ticket }, (order) =>
        this.#world.call(
          job,
          () => job.command({ ...command, order }),
          (answer) => {
            this.#dropUnless(answer === 'done', job.id, order.hold);
            if (answer === 'done') this.#orders.carriedOut(ticket, job.id, order.hold);
          },
        ),
      ),
    );
  }

  /** Opens a hold for an order that its client may not live to send, or send much later. */
  #open(
    { id, price, ticket }: { id: string; price: Price; ticket: Ticket | null },
    opened: (order: Order) => void,
  ): void {
    const { faults, random } = this.#world;
    this.#world.call(
      this.#account,
      () => this.#account.open(id, price, ticket),
      (order) => {
        if ('refused' in order || this.#world.fault(faults.deadClient)) return;
        if (this.#world.fault(faults.slowClient)) this.#world.at(random.below(70_000), () => opened(order));
        else opened(order);
      },
    );
  }

  /** What durableJobDirectory does with the hold of an order that came to nothing. */
  #dropUnless(isUsed: boolean, id: string, hold: number): void {
    if (isUsed && !this.#world.variant.dropsEveryHold) return;
    this.#world.call(
      this.#account,
      () => this.#account.drop(id, hold),
      () => undefined,
    );
  }

  #look(job: SimulatedJob, seen: (job: SeenJob) => void): void {
    this.#world.call(
      job,
      () => job.view(),
      (answer) => {
        if (answer !== null) seen(answer);
      },
    );
  }

  #webhookUrl(): string | undefined {
    return this.#world.random.chance(0.5) ? 'https://hooks.example.com/' : undefined;
  }

  #labels(from: number, frames: number): LabelChange[] {
    const { random } = this.#world;
    const changes: LabelChange[] = [];
    for (let at = from; at < frames; at++)
      if (random.chance(0.3)) changes.push({ from: at, label: random.pick(['a', 'b', 'c']) });
    return changes;
  }

  #nature(): JobNature {
    const { random, faults } = this.#world;
    return {
      chunkFrames: random.between(1, 4),
      piecesPerFrame: random.chance(0.25) ? random.between(2, 3) : 1,
      replayedFrames: random.between(1, 3),
      frameMilliseconds: random.between(5, 60),
      poisonedFrame: faults.poison !== 'none' && random.chance(0.5) ? random.below(4) : -1,
      expiryMs: this.#expiryMs,
    };
  }
}

const noBytes = new Uint8Array(0);

function newJob(
  spec: Pick<JobSpec, 'frames' | 'legs' | 'labels'>,
  build: string,
  frameCredits: number,
): NewJob {
  return {
    spec: { ...commonSpec, ...spec },
    build,
    frameMultiplyAdds: 1,
    firstFrameMultiplyAdds: 1,
    frameCredits,
    firstFrame: null,
    source: null,
  };
}

const commonSpec = {
  model: 'simulated',
  width: 1,
  height: 1,
  framesPerSecond: 8,
  decodeSteps: 1,
  headSteps: 1,
  temperature: 1,
  firstFrameSampling: { decodeSteps: 1, headSteps: 1, temperature: 1 },
  palette: 'none',
  metadata: {},
} as const;
