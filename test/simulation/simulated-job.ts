import { isTooLate } from '../../src/billing/holds.ts';
import { commanded, gone, type Moment, newRecord, type Refusal } from '../../src/job/job-changes.ts';
import type { NewJob } from '../../src/job/job-directory.ts';
import type {
  FrameCommit,
  JobChange,
  JobRecord,
  JobStore,
  Order,
  OrderedCommand,
  OrderedExtend,
} from '../../src/job/job-record.ts';
import { isRunning, isVisible } from '../../src/job/state-table.ts';
import { isOverdue } from '../../src/job/wake.ts';
import { extendedPlan, type PlannedFrame } from './frame-content.ts';
import { checkJobAtRest, checkJobWrite } from './job-invariants.ts';
import {
  begun,
  emptyJobState,
  frameOf,
  type JobState,
  outboxOf,
  settlementOf,
  written,
} from './job-state.ts';
import type { SimulatedAccount } from './simulated-account.ts';
import { SimulatedObject, StorageFull } from './simulated-object.ts';
import type { SimulatedReceiver } from './simulated-receiver.ts';
import { SimulatedWake } from './simulated-wake.ts';
import { must } from './violation.ts';
import type { World } from './world.ts';

/** After storage refused a write: as JobObject does. */
const storageRetryMilliseconds = 5000;

/** What of a job no run changes. */
export interface JobNature {
  /** Frames of a wake, at most. */
  readonly chunkFrames: number;
  /** Pieces that a frame is computed in; more than one where a frame is too much for a wake. */
  readonly piecesPerFrame: number;
  /** Frames whose K and V are made anew in one piece. */
  readonly replayedFrames: number;
  readonly frameMilliseconds: number;
  /** A frame that can never be computed; -1 = none. */
  readonly poisonedFrame: number;
  readonly expiryMs: number;
}

/** What a job's owner sees of it. */
export interface SeenJob {
  readonly job: JobRecord;
  readonly frames: readonly number[];
}

/** One video: does what JobObject does, with an object in memory. */
export class SimulatedJob extends SimulatedObject<JobState> {
  readonly nature: JobNature;
  readonly account: SimulatedAccount;
  readonly receiver: SimulatedReceiver;
  readonly others: ReadonlyMap<string, SimulatedJob>;
  readonly store: JobStore = {
    job: () => this.state.job,
    write: (change) => this.#write(change),
    settlement: (hold) => settlementOf(this.state, hold),
    outbox: () => outboxOf(this.state),
  };
  /** How often each piece of a frame was begun to be computed. */
  readonly tries = new Map<number, number>();
  #wake: SimulatedWake | null = null;

  constructor(
    id: string,
    world: World,
    surroundings: {
      readonly nature: JobNature;
      readonly account: SimulatedAccount;
      readonly receiver: SimulatedReceiver;
      readonly others: ReadonlyMap<string, SimulatedJob>;
    },
  ) {
    super(id, world, emptyJobState);
    this.nature = surroundings.nature;
    this.account = surroundings.account;
    this.receiver = surroundings.receiver;
    this.others = surroundings.others;
  }

  create(job: NewJob, order: Order, plan: readonly PlannedFrame[]): 'created' | 'too_late' {
    const isLate = isTooLate(order.openedAt, this.world.now) && !this.world.variant.ignoresOpeningDeadline;
    if (this.state.job !== null) return 'created';
    if (isLate) return 'too_late';
    this.account.mustHold(this.id, 0);
    const record = newRecord({ ...job, account: 'owner' }, this.world.now);
    this.change(begun(this.state, record, order.price, plan), true);
    this.world.note(this.id, `is created: ${job.spec.frames} frames${forkText(job)}`);
    return 'created';
  }

  view(): SeenJob | null {
    const job = this.#read();
    return job === null || !isVisible(job.status) ? null : { job, frames: this.state.frames };
  }

  knowsHold(hold: number): boolean {
    return this.state.settlements.some((settlement) => settlement.hold === hold);
  }

  sharedFrames(from: number, count: number): FrameCommit[] | null {
    const { job, frames } = this.state;
    if (job === null || !isVisible(job.status)) return null;
    return frames.slice(from, from + count).map((content, at) => frameOf(from + at, content));
  }

  command(command: OrderedCommand): 'done' | 'gone' | Refusal {
    const job = this.#read();
    if (job === null || !isVisible(job.status)) return 'gone';
    const change = commanded(job, command, this.#moment(job));
    if (change === null) return 'done';
    if ('refused' in change) return change.refused;
    if (command.kind === 'extend') this.account.mustHold(this.id, command.order.hold);
    if (command.kind === 'notify') this.receiver.sentAgain(this.id, job.epoch);
    this.world.turns.leave(this.id);
    this.#write(change);
    this.#wake?.interrupt();
    if (command.kind === 'extend') {
      const made = Object.assign([...this.state.made], { [command.order.hold]: 0 });
      this.change({ ...this.state, plan: this.#extended(job, command), made });
    }
    if (this.world.trace !== undefined)
      this.world.note(this.id, `takes ${JSON.stringify(command)}: ${this.state.job?.status}`);
    return 'done';
  }

  remove(): boolean {
    const { job } = this.state;
    if (job === null || job.status === 'removed') return false;
    this.world.turns.leave(this.id);
    this.world.pasts.delete(this.id);
    this.#write(gone(job, 'removed', this.#moment(job)));
    this.#wake?.interrupt();
    this.world.note(this.id, 'is removed');
    return true;
  }

  /** Deletes everything. */
  forget(): void {
    this.changeRegardless({ ...emptyJobState, made: this.state.made });
  }

  /** The wake has ended; `error` where storage refused a write. */
  wakeEnded(error?: StorageFull): void {
    this.#wake = null;
    if (error === undefined) {
      this.handled('done');
      return;
    }
    this.world.note(this.id, 'wake ends: storage is full');
    try {
      if (this.world.random.chance(0.5)) throw error;
      this.changeRegardless({ ...this.state, alarm: this.world.now + storageRetryMilliseconds });
      this.handled('done');
    } catch (failure) {
      if (!(failure instanceof StorageFull)) throw failure;
      this.handled('threw');
    }
  }

  protected override construct(): void {
    const { job } = this.state;
    if (job === null || job.wakeAt === null) return;
    const wakeAt = isRunning(job.status) ? this.world.now : job.wakeAt;
    const alarm = this.getAlarm();
    if (alarm === null || alarm > wakeAt) this.setAlarm(wakeAt);
  }

  protected override handleAlarm(): void {
    this.#wake = new SimulatedWake(this, this.world);
    this.#wake.begin();
  }

  protected override forgetMemory(): void {
    this.#wake = null;
  }

  protected override check(): void {
    checkJobAtRest(this);
  }

  /** Reads the job, and wakes it where its alarm has been lost or is late. */
  #read(): JobRecord | null {
    const { job } = this.state;
    const { now } = this.world;
    if (job === null || this.#wake !== null || !isOverdue(job, now)) return job;
    const alarm = this.getAlarm();
    if (alarm === null || alarm > now) {
      this.world.note(this.id, 'is woken by a request');
      this.setAlarm(now);
    }
    return job;
  }

  #write(change: JobChange): void {
    const before = this.state;
    this.change(written(before, change), change.job.wakeAt !== undefined);
    checkJobWrite(this.id, before, this.state);
    this.receiver.checkWrite(this.id, before, this.state);
  }

  #moment(job: JobRecord): Moment {
    const settlement = settlementOf(this.state, job.hold);
    return { now: this.world.now, expiryMs: this.nature.expiryMs, settlement };
  }

  #extended(job: JobRecord, command: OrderedExtend): PlannedFrame[] {
    const last = job.spec.legs.at(-1);
    must(last !== undefined, () => `${this.id}: no leg`);
    return extendedPlan(this.state.plan, command, { ...last, labels: job.spec.labels });
  }
}

function forkText({ source }: NewJob): string {
  return source === null ? '' : `, forked from ${source.id} after ${source.frames}`;
}
