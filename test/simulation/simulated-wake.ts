import type { CachedFrame } from '../../src/engine/generation.ts';
import type { JobChange, JobRecord } from '../../src/job/job-record.ts';
import { isRunning } from '../../src/job/state-table.ts';
import { leaseMilliseconds, modelGone, sourceGone } from '../../src/job/wake.ts';
import {
  type Answers,
  type Effect,
  type Piece,
  type Protocol,
  type SettlementMessage,
  wake,
} from '../../src/job/wake-protocol.ts';
import type { DeliveryAnswer } from '../../src/job/webhook-changes.ts';
import { drawingOf, drawnContent, givenContent, replayStart, windowFrames } from './frame-content.ts';
import { checkComputing } from './job-invariants.ts';
import { cachedFrame, contentOf, frameOf, inexact } from './job-state.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { StorageFull } from './simulated-object.ts';
import { must } from './violation.ts';
import type { World } from './world.ts';

/** Frames of a source that are copied in one wake. */
const sharedPageFrames = 2;

type AnyAnswer = Answers[Effect['kind']];

/** Frames that a wake computes, from the job as it stood when the first of them was begun. */
interface Chunk {
  readonly job: JobRecord;
  readonly endFrame: number;
  /** Contents of the frames that the next one depends on. */
  readonly past: number[];
  /** Pieces of a replay that fit the wake. */
  replays: number;
  partial: { readonly index: number; readonly decodeSteps: number; readonly content: number } | null;
}

/** One alarm run: the world of a wake protocol, as WakeDriver is the real one. */
export class SimulatedWake {
  readonly #job: SimulatedJob;
  readonly #world: World;
  readonly #life: number;
  readonly #protocol: Protocol<void>;
  #chunk: Chunk | undefined;
  #hasLease = false;
  #first: JobRecord | null = null;
  /** Pieces begun though the owner had told the job otherwise. */
  #latePieces = 0;
  /** The try at a webhook that is waited for. */
  #delivery: symbol | null = null;

  constructor(job: SimulatedJob, world: World) {
    this.#job = job;
    this.#world = world;
    this.#life = job.life;
    const { frameMilliseconds, expiryMs } = job.nature;
    this.#protocol = wake({ leaseMs: () => leaseMilliseconds(frameMilliseconds), expiryMs });
  }

  begin(): void {
    if (this.#world.trace !== undefined) {
      const { job } = this.#job.state;
      this.#note(`wakes: ${job?.status}, frame ${job?.cursor}, attempts ${job?.attempts}`);
    }
    this.#goOn(() => this.#protocol.next());
  }

  #resume(answer: AnyAnswer): void {
    if (this.#life !== this.#job.life) return;
    this.#goOn(() => this.#protocol.next(answer));
  }

  #goOn(first: () => IteratorResult<Effect, void>): void {
    let error: StorageFull | undefined;
    try {
      let step = first();
      while (!step.done) {
        const effect = step.value;
        if (isAsynchronous(effect)) {
          this.#job.endTurn();
          if (!this.#dies()) this.#perform(effect);
          return;
        }
        step = this.#protocol.next(this.#answer(effect));
      }
    } catch (thrown) {
      if (!(thrown instanceof StorageFull)) throw thrown;
      error = thrown;
    }
    this.#end(error);
  }

  #dies(): boolean {
    const { faults } = this.#world;
    if (this.#world.fault(faults.crash)) this.#world.crash(`in a wake of ${this.#job.id}`);
    else if (this.#world.fault(faults.eviction)) {
      this.#note('is evicted');
      this.#job.crash();
    }
    return this.#life !== this.#job.life;
  }

  /** What is answered at once. */
  #answer(effect: Effect): AnyAnswer {
    const { store } = this.#job;
    switch (effect.kind) {
      case 'read':
        return this.#read();
      case 'clock':
        return this.#world.now;
      case 'random':
        return this.#world.random.below(1000) / 1000;
      case 'settlement':
        return store.settlement(effect.hold);
      case 'outbox':
        return store.outbox();
      case 'write':
        return this.#write(effect);
      case 'turn':
        return this.#turn();
      default:
        throw new Error(`${effect.kind} takes time`);
    }
  }

  /** What takes time. */
  #perform(effect: Effect): void {
    if (effect.kind === 'wait') this.#world.at(effect.milliseconds, () => this.#resume(undefined));
    else if (effect.kind === 'sync') this.#sync();
    else if (effect.kind === 'compute') this.#compute();
    else if (effect.kind === 'share') this.#share();
    else if (effect.kind === 'settle') this.#settle(effect.message);
    else if (effect.kind === 'deliver') this.#deliver(effect);
    else if (effect.kind === 'forget') this.#forget();
    else throw new Error(`${effect.kind} is answered at once`);
  }

  #read(): JobRecord | null {
    const { variant } = this.#world;
    const job = this.#job.store.job();
    if (job === null) return null;
    if (this.#first === null) {
      this.#first = variant.firstRead?.(job) ?? job;
      return this.#first;
    }
    return variant.read?.(this.#first, job) ?? job;
  }

  #write({ change }: Extract<Effect, { kind: 'write' }>): undefined {
    const { store } = this.#job;
    if (this.#world.variant.splitsCommit && change.frames !== undefined) {
      const { frames, ...rest } = change;
      store.write({ job: {}, frames });
      this.#job.endTurn();
      store.write(rest);
    } else if (this.#world.variant.splitsNews && change.job.completedAt != null) {
      const { deliveries, ...rest } = change.job;
      store.write({ ...change, job: rest });
      this.#job.endTurn();
      store.write({ job: deliveries === undefined ? {} : { deliveries } });
    } else if (this.#world.variant.countsTriesLate && isBegun(change)) {
      store.write({ job: change.job.wakeAt === undefined ? {} : { wakeAt: change.job.wakeAt } });
    } else {
      store.write(change);
    }
    if (this.#world.trace !== undefined) this.#note(writeText(change));
  }

  #turn(): number {
    const { turns, now } = this.#world;
    const { id } = this.#job;
    if (turns.isNext(id, now)) this.#hasLease = this.#world.acquire(this);
    if (!this.#hasLease) return turns.wait(id, now);
    turns.leave(id);
    return 0;
  }

  #sync(): void {
    const resume = () => this.#world.at(0, () => this.#resume(undefined));
    const { skipsSync, syncsOnce } = this.#world.variant;
    if (skipsSync || (syncsOnce && this.#chunk !== undefined)) resume();
    else this.#job.whenOnDisk(resume);
  }

  #compute(): void {
    const { random, faults } = this.#world;
    if (this.#first !== null) this.#latePieces = checkComputing(this.#job, this.#first, this.#latePieces);
    const { frameMilliseconds, poisonedFrame } = this.#job.nature;
    const isPoisoned = this.#job.state.job?.cursor === poisonedFrame && !this.#world.isCalm;
    const isSlow = this.#world.fault(faults.slow);
    const duration = isSlow ? random.below(8000) : random.below(2 * frameMilliseconds);
    if (isPoisoned && faults.poison === 'kills') {
      this.#world.at(duration, () => {
        if (this.#life === this.#job.life)
          this.#world.crash(`frame ${poisonedFrame} of ${this.#job.id} kills it`);
      });
      return;
    }
    const isThrowing = (isPoisoned && faults.poison === 'throws') || this.#world.fault(faults.throwing);
    const chunk = this.#chunk ?? this.#open();
    this.#world.at(duration, () => {
      if (this.#life !== this.#job.life) return;
      this.#resume(this.#computed(chunk, isThrowing));
    });
  }

  #computed(chunk: Chunk | 'gone' | 'threw', isThrowing: boolean): Piece {
    if (chunk === 'gone') return { kind: 'impossible', error: modelGone };
    if (chunk === 'threw' || isThrowing || !this.#world.holds(this)) {
      this.#chunk = undefined;
      this.#note('computing throws');
      return { kind: 'threw' };
    }
    this.#chunk = chunk;
    if (chunk.past.length < chunk.job.cursor) return this.#replayed(chunk);
    const index = chunk.past.length;
    const decodeSteps = (chunk.partial?.decodeSteps ?? 0) + 1;
    const content = chunk.partial?.content ?? freshContent(chunk, index);
    if (decodeSteps < this.#job.nature.piecesPerFrame) {
      chunk.partial = { index, decodeSteps, content };
      return { kind: 'part', partial: { index, decodeSteps, latents: Float32Array.of(content) } };
    }
    chunk.past.push(content);
    chunk.partial = null;
    const goesOn = index + 1 < chunk.endFrame;
    const { cache } = cachedFrame(index, content);
    return { kind: 'frame', frame: frameOf(index, content), cache, goesOn, window: windowFrames };
  }

  /** K and V of some finished frames: exact from where the whole replay is behind them. */
  #replayed(chunk: Chunk): Piece {
    const { past } = chunk;
    const { cursor } = chunk.job;
    const caches: CachedFrame[] = [];
    for (let left = this.#job.nature.replayedFrames; left > 0 && past.length < cursor; left--) {
      if (past.length > 0) past.length = Math.max(past.length, replayStart(cursor));
      const index = past.length;
      const isExact = index === 0 || index >= cursor - windowFrames;
      past.push(isExact ? (this.#job.state.frames[index] as number) : inexact);
      caches.push(cachedFrame(index, past[index] as number));
    }
    const pastCursor = past.length;
    const kept = caches.filter(({ index }) => index === 0 || index >= pastCursor - windowFrames);
    const goesOn = pastCursor < cursor && --chunk.replays > 0;
    return { kind: 'replayed', caches: kept, pastCursor, goesOn, window: windowFrames };
  }

  #open(): Chunk | 'gone' | 'threw' {
    const { job, caches, partial } = this.#job.state;
    if (job === null) return 'threw';
    if (job.build !== this.#world.build) return 'gone';
    const { chunkFrames, piecesPerFrame } = this.#job.nature;
    const { pasts, variant } = this.#world;
    const kept = pasts.get(this.#job.id);
    pasts.delete(this.#job.id);
    const isFresh = kept?.length === job.pastCursor || (variant.trustsPast && kept !== undefined);
    const endFrame =
      piecesPerFrame > 1 ? job.cursor + 1 : Math.min(job.cursor + chunkFrames, job.spec.frames);
    const past = isFresh ? [...(kept ?? [])] : new Array<number>(job.pastCursor);
    if (!isFresh) for (const { index, content } of caches) past[index] = content;
    return { job, endFrame, past, replays: chunkFrames, partial };
  }

  #share(): void {
    const { job } = this.#job.state;
    const source = this.#job.others.get(job?.source?.id ?? '');
    const threw = () => this.#resume({ kind: 'threw' });
    if (job === null || job.source === null || source === undefined) {
      this.#world.at(0, threw);
      return;
    }
    const { cursor } = job;
    const count = Math.min(sharedPageFrames, job.source.frames - cursor);
    const shared = (frames: ReturnType<SimulatedJob['sharedFrames']>) => {
      const isWhole = frames?.length === count;
      this.#resume(isWhole ? { kind: 'shared', frames } : { kind: 'impossible', error: sourceGone });
    };
    this.#world.call(source, () => source.sharedFrames(cursor, count), shared, threw);
  }

  #settle(message: SettlementMessage): void {
    const { account } = this.#job;
    const { variant } = this.#world;
    const send = () => {
      this.#world.call(
        account,
        () => account.settle(this.#job, message),
        () => this.#resume(true),
        () => {
          if (this.#life === this.#job.life) this.#note('the account does not answer');
          this.#resume(variant.believesHeard === true);
        },
      );
    };
    if (this.#world.trace !== undefined) this.#note(`tells the account ${settlementText(message)}`);
    if (variant.skipsOutputGate) send();
    else this.#job.whenOnDisk(send);
  }

  #deliver({ delivery }: Extract<Effect, { kind: 'deliver' }>): void {
    must(!this.#hasLease, () => `${this.#job.id}: a receiver is waited for with the right to compute`);
    const waiting = Symbol();
    this.#delivery = waiting;
    const send = () =>
      this.#job.receiver.take(this.#job, delivery, (answer) => {
        if (this.#delivery === waiting) this.#delivered(answer);
      });
    this.#note(`tells the webhook ${delivery.type}, try ${delivery.attempts}`);
    if (this.#world.variant.tellsWebhookEarly) send();
    else this.#job.whenOnDisk(send);
  }

  /** The owner told the job something: no receiver is waited for. */
  interrupt(): void {
    if (this.#delivery !== null) this.#world.at(0, () => this.#delivered({ kind: 'interrupted' }));
  }

  #delivered(answer: DeliveryAnswer): void {
    if (this.#delivery === null) return;
    this.#delivery = null;
    this.#note(`the webhook: ${JSON.stringify(answer)}`);
    this.#resume(answer);
  }

  #forget(): void {
    if (this.#world.variant.deletesAlarmFirst) {
      this.#job.setAlarm(null);
      this.#job.endTurn();
    }
    this.#world.at(this.#world.latency(), () => {
      if (this.#life !== this.#job.life || this.#dies()) return;
      this.#job.forget();
      this.#note('is forgotten');
      this.#job.endTurn();
      this.#job.whenOnDisk(() => this.#world.at(0, () => this.#resume(undefined)));
    });
  }

  /** Gives back the right to compute; keeps the past in memory for the next wake. */
  #end(error: StorageFull | undefined): void {
    const { job } = this.#job.state;
    const past = this.#chunk?.past;
    const isFresh = past?.length === job?.pastCursor || this.#world.variant.trustsPast;
    if (past !== undefined && job !== null && isRunning(job.status) && isFresh)
      this.#world.pasts.set(this.#job.id, past);
    this.#world.release(this);
    this.#job.wakeEnded(error);
  }

  #note(what: string): void {
    this.#world.note(this.#job.id, what);
  }
}

/** A try at a webhook is about to be made. */
function isBegun({ job }: JobChange): boolean {
  return (
    job.status === undefined &&
    (job.deliveries?.some(({ attempts, status }) => attempts > 0 && status === 'pending') ?? false)
  );
}

function isAsynchronous({ kind }: Effect): boolean {
  switch (kind) {
    case 'wait':
    case 'sync':
    case 'compute':
    case 'share':
    case 'settle':
    case 'deliver':
    case 'forget':
      return true;
    default:
      return false;
  }
}

function freshContent({ job, past }: Chunk, index: number): number {
  if (index === 0 && job.isFirstGiven) return givenContent;
  return drawnContent(drawingOf(job.spec, index), index, past);
}

function writeText({ job, frames, partial }: Extract<Effect, { kind: 'write' }>['change']): string {
  const parts = Object.entries(job).map(([field, value]) => `${field} ${JSON.stringify(value)}`);
  for (const frame of frames ?? []) parts.unshift(`frame ${frame.index} = ${contentOf(frame).toString(16)}`);
  if (partial) parts.unshift(`part ${partial.decodeSteps} of frame ${partial.index}`);
  return `writes ${parts.join(', ')}`;
}

function settlementText({ settlements, isGone }: SettlementMessage): string {
  const parts = settlements.map(
    ({ hold, captured, isFinal }) => `hold ${hold} has ${captured} frames${isFinal ? ', its last' : ''}`,
  );
  return [...parts, ...(isGone ? ['it is gone'] : [])].join('; ');
}
