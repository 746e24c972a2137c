import { openHold, settleHolds } from '../../src/billing/holds.ts';
import { topUp } from '../../src/billing/ledger.ts';
import { commanded, newRecord } from '../../src/job/job-changes.ts';
import type { JobChange, JobRecord } from '../../src/job/job-record.ts';
import { isFinished, isVisible } from '../../src/job/state-table.ts';
import { type Answers, type Effect, type Piece, wake } from '../../src/job/wake-protocol.ts';
import { balanceProblem } from '../billing/ledger-invariants.ts';
import {
  type AccountCell,
  type AccountState,
  emptyAccountState,
  SimulatedAccountBook,
} from './account-state.ts';
import { drawingOf, drawnContent, newPlan, windowFrames } from './frame-content.ts';
import { checkJobAtEnd, checkJobAtRest, checkJobWrite } from './job-invariants.ts';
import {
  begun,
  cachedFrame,
  emptyJobState,
  frameOf,
  type JobState,
  outboxOf,
  settlementOf,
  written,
} from './job-state.ts';
import { must } from './violation.ts';

type AnyAnswer = Answers[Effect['kind']];

/** What can happen in a small world, at most. */
export interface Bounds {
  readonly jobs: number;
  readonly frames: number;
  /** Frames of a wake. */
  readonly chunkFrames: number;
  readonly crashes: number;
  readonly cancels: number;
  /** Alarms that are delivered again. */
  readonly duplicates: number;
  /** Messages to the account, or its answers, that get lost. */
  readonly losses: number;
}

/** Bounds that fit into a test. */
export const smallWorld: Bounds = {
  ...{ jobs: 2, frames: 3, chunkFrames: 2 },
  ...{ crashes: 1, cancels: 1, duplicates: 0, losses: 0 },
};

/** Bounds for `npm run simulate -- --exhaustive`. */
export const wholeWorld: Bounds = {
  ...{ jobs: 2, frames: 3, chunkFrames: 2 },
  ...{ crashes: 2, cancels: 1, duplicates: 1, losses: 0 },
};

/** A wake in the middle: a generator cannot be copied, but its answers so far make another one like it. */
interface WakeState {
  readonly answers: readonly AnyAnswer[];
  /** What it waits for. */
  readonly effect: Effect;
  /** True once what it waits for has been done, and only the answer is on its way. */
  readonly isDone: boolean;
  /** Groups of writes that must be on disk before its message leaves. */
  readonly groupsBefore: number;
  readonly isAlarmReplaced: boolean;
  readonly latePieces: number;
  readonly key: number;
}

interface SmallJob {
  /** The first is on disk, the last is what the object sees; between them, one group of writes each. */
  readonly versions: readonly JobState[];
  readonly wake: WakeState | null;
  /** What the account has of this job. */
  readonly account: AccountState;
}

/** One moment of the small world. Time is not in it: an alarm that is set comes at any time. */
export interface SmallWorld {
  readonly jobs: readonly SmallJob[];
  /** Who has the right to compute; -1 = nobody. */
  readonly holder: number;
  readonly left: Pick<Bounds, 'crashes' | 'cancels' | 'duplicates' | 'losses'>;
}

export interface Move {
  readonly name: string;
  /** A world that only waits for what comes from outside or goes wrong is at rest. */
  readonly kind: 'progress' | 'cancellation' | 'fault';
  readonly apply: () => SmallWorld;
}

const now = 0;
const expiryMs = 1e12;
const settings = { leaseMs: () => 2000, expiryMs };
const price = (frames: number) => ({ frames, frameCredits: 7 });
const firstHold = { jobId: 'job', now, maximum: 1 };

/** All jobs have just been created; nothing has happened. */
export function firstWorld(bounds: Bounds): SmallWorld {
  const jobs = Array.from({ length: bounds.jobs }, () => newSmallJob(bounds));
  const { crashes, cancels, duplicates, losses } = bounds;
  return { jobs, holder: -1, left: { crashes, cancels, duplicates, losses } };
}

/** Everything that can happen next. */
export function moves(world: SmallWorld, bounds: Bounds): Move[] {
  const found: Move[] = [];
  for (const [at, job] of world.jobs.entries()) {
    const add = (name: string, apply: () => SmallWorld, kind: Move['kind'] = 'progress') =>
      found.push({ name: `job ${at}: ${name}`, kind, apply });
    if (job.wake !== null) addWakeMoves(world, at, bounds, add);
    else if (isDue(stateOf(job))) add('its alarm comes', () => woken(world, at, false));
    if (world.left.duplicates > 0 && job.wake === null && stateOf(job).job !== null)
      add('an alarm comes again', () => woken(spent(world, 'duplicates'), at, true), 'fault');
    if (world.left.cancels > 0 && canCancel(stateOf(job)))
      add('is cancelled', () => cancelled(spent(world, 'cancels'), at), 'cancellation');
    if (world.left.losses > 0 && job.wake?.effect.kind === 'settle')
      add('a message gets lost', () => resumed(flushed(spent(world, 'losses'), at), at, false), 'fault');
  }
  if (world.left.crashes > 0) found.push(...crashes(world));
  return found;
}

/** @throws Violation where a world in which nothing goes on is not as it has to be in the end */
export function checkRest(world: SmallWorld): void {
  for (const [at, job] of world.jobs.entries()) {
    const id = `job ${at}`;
    checkJobAtEnd({ id, state: stateOf(job), isHandlingAlarm: job.wake !== null });
    const [hold] = job.account.holds;
    must(hold?.isEnded === true, () => `${id}: its hold never ends`);
    must(hold.captured === stateOf(job).made[0], () => `${id}: captured ${hold.captured} frames`);
    const { available, spent } = job.account.balance;
    must(spent === 7 * hold.captured && available === 100 - spent, () => `${id}: ${spent} credits are spent`);
  }
}

/** Two worlds with the same key are the same. Jobs are interchangeable. */
export function keyOf({ jobs, holder, left }: SmallWorld): string {
  const keys = jobs.map((job, at) => {
    const versions = job.versions.map(idOf).join('.');
    const { wake: awake } = job;
    const wakeKey =
      awake === null
        ? '-'
        : `${awake.key}${awake.isDone ? 'd' : ''}${awake.isAlarmReplaced ? 'r' : ''}${awake.groupsBefore}`;
    return `${versions},${wakeKey},${idOf(job.account)}${holder === at ? 'h' : ''}`;
  });
  return `${keys.sort().join(';')};${left.crashes}${left.cancels}${left.duplicates}${left.losses}`;
}

function newSmallJob({ frames }: Bounds): SmallJob {
  // The same seed for all: they are interchangeable, which halves the worlds.
  const leg = { from: 0, seed: 0, interval: 1 };
  const sampling = { decodeSteps: 1, headSteps: 1, temperature: 1 };
  const spec = {
    ...{ model: 'simulated', width: 1, height: 1, framesPerSecond: 8, frames, legs: [leg], labels: [] },
    ...{ ...sampling, firstFrameSampling: sampling, palette: 'none' as const, metadata: {} },
  };
  const order = {
    account: 'owner',
    spec,
    build: 'build',
    frameMultiplyAdds: 1,
    firstFrameMultiplyAdds: 1,
    frameCredits: 7,
    firstFrame: null,
    source: null,
  };
  const cell = cellOf(emptyAccountState);
  const book = new SimulatedAccountBook(cell);
  topUp(book, { reference: 'all', credits: 100, now });
  openHold(book, { ...firstHold, price: price(frames) });
  const state = begun(emptyJobState, newRecord(order, now), price(frames), newPlan([], leg, frames, []));
  return { versions: [state], wake: null, account: cell.state };
}

function addWakeMoves(
  world: SmallWorld,
  at: number,
  bounds: Bounds,
  add: (name: string, apply: () => SmallWorld) => void,
): void {
  const job = world.jobs[at] as SmallJob;
  const { effect, isDone } = job.wake as WakeState;
  switch (effect.kind) {
    case 'wait':
      add('has waited', () => resumed(world, at, undefined));
      break;
    case 'sync':
      add('all is on disk', () => resumed(flushed(world, at), at, undefined));
      break;
    case 'compute':
      add('has computed', () => resumed(world, at, pieceOf(job, bounds)));
      break;
    case 'settle':
      if (isDone) add('hears that the account knows', () => resumed(world, at, true));
      else add('the account hears', () => accountTold(flushed(world, at), at));
      return;
    case 'forget':
      if (!isDone) add('is deleted', () => deleted(world, at));
      else add('deletion is on disk', () => resumed(flushed(world, at), at, undefined));
      return;
    default:
      throw new Error(`a wake does not wait for ${effect.kind}`);
  }
}

/** The process dies; of every job, any number of groups that were on their way reached the disk. */
function crashes(world: SmallWorld): Move[] {
  let kept: number[][] = [[]];
  for (const { versions } of world.jobs)
    kept = kept.flatMap((before) => versions.map((_, version) => [...before, version]));
  return kept.map((choice) => ({
    name: `the process dies; groups of writes kept: ${choice.join(', ')}`,
    kind: 'fault',
    apply: () => {
      const jobs = world.jobs.map((job, at) => ({
        ...job,
        versions: [job.versions[choice[at] as number] as JobState],
        wake: null,
      }));
      return { ...spent(world, 'crashes'), jobs, holder: -1 };
    },
  }));
}

/**
 * Everything that was written before what the wake waits for is on disk. Nothing can tell that it was there earlier:
 * a crash, too, may find it there or not, and is tried both ways.
 */
function flushed(world: SmallWorld, at: number): SmallWorld {
  const job = world.jobs[at] as SmallJob;
  const awake = job.wake as WakeState;
  return withJob(world, at, {
    ...job,
    versions: job.versions.slice(awake.groupsBefore),
    wake: { ...awake, groupsBefore: 0 },
  });
}

function cancelled(world: SmallWorld, at: number): SmallWorld {
  const job = world.jobs[at] as SmallJob;
  const state = stateOf(job);
  const settlement = settlementOf(state, 0);
  const change = commanded(state.job as JobRecord, { kind: 'cancel' }, { now, expiryMs, settlement });
  if (change === null || 'refused' in change) throw new Error('a job that runs refuses to be cancelled');
  const after = changed(state, change, at);
  const wakeState = job.wake && { ...job.wake, isAlarmReplaced: true };
  return withJob(world, at, withVersion({ ...job, wake: wakeState }, after));
}

function accountTold(world: SmallWorld, at: number): SmallWorld {
  const job = world.jobs[at] as SmallJob;
  const { effect } = job.wake as WakeState;
  if (effect.kind !== 'settle') throw new Error('nothing to tell');
  const cell = cellOf(job.account);
  settleHolds(new SimulatedAccountBook(cell), firstHold.jobId, effect.message, now);
  const [disk] = job.versions;
  const [hold] = cell.state.holds;
  checkMoney(cell.state, at);
  const made = disk?.made[0] ?? 0;
  must((hold?.captured ?? 0) <= made, () => `job ${at}: captured ${hold?.captured} of ${made} frames`);
  const status = disk?.job?.status;
  const isOver = status === undefined || isFinished(status) || !isVisible(status);
  must(hold?.isEnded !== true || isOver, () => `job ${at}: its hold ends while it is ${status}`);
  const wakeState = { ...(job.wake as WakeState), isDone: true };
  return withJob(world, at, { ...job, account: cell.state, wake: wakeState });
}

function deleted(world: SmallWorld, at: number): SmallWorld {
  const job = world.jobs[at] as SmallJob;
  const { versions } = withVersion(job, { ...emptyJobState, made: stateOf(job).made });
  const groupsBefore = versions.length - 1;
  const wakeState = { ...(job.wake as WakeState), groupsBefore, isDone: true, isAlarmReplaced: true };
  return withJob(world, at, { ...job, versions, wake: wakeState });
}

/** @param isAgain delivered again, an alarm must not take away the next one */
function woken(world: SmallWorld, at: number, isAgain: boolean): SmallWorld {
  const blank = { effect: { kind: 'read' }, isDone: false, groupsBefore: 0, latePieces: 0, key: 0 } as const;
  return advanced(world, at, { ...blank, answers: [], isAlarmReplaced: isAgain });
}

function resumed(world: SmallWorld, at: number, answer: AnyAnswer): SmallWorld {
  const awake = world.jobs[at]?.wake as WakeState;
  return advanced(world, at, answered(awake, answer));
}

function answered(awake: WakeState, answer: AnyAnswer): WakeState {
  return { ...awake, answers: [...awake.answers, answer], key: keyAfter(awake.key, answer), isDone: false };
}

/** Runs a wake until it waits again, or ends. All that it writes is one group. */
function advanced(world: SmallWorld, at: number, from: WakeState): SmallWorld {
  const job = world.jobs[at] as SmallJob;
  const protocol = wake(settings);
  let step = protocol.next();
  for (const answer of from.answers) step = protocol.next(answer);
  let { isAlarmReplaced, key } = from;
  const answers = [...from.answers];
  let state = stateOf(job);
  let { holder } = world;
  while (!step.done && !isAsynchronous(step.value)) {
    const effect = step.value;
    let answer: AnyAnswer;
    if (effect.kind === 'write') {
      state = changed(state, effect.change, at);
      isAlarmReplaced ||= effect.change.job.wakeAt !== undefined;
    } else if (effect.kind === 'turn') {
      if (holder === -1) holder = at;
      answer = holder === at ? 0 : 5000;
    } else answer = answerOf(effect, state);
    answers.push(answer);
    key = keyAfter(key, answer);
    step = protocol.next(answer);
  }
  const { versions } = withVersion({ ...job, wake: null }, state);
  const after = { versions, wake: null, account: job.account };
  if (step.done) return ended(world, at, after, { isAlarmReplaced, holder });
  const latePieces = from.latePieces + Number(isLate(step.value, answers, state));
  must(latePieces <= 1, () => `job ${at}: computes on after it was told otherwise`);
  const effect = step.value;
  const groupsBefore = versions.length - 1;
  const waiting = { answers, effect, isDone: false, groupsBefore, isAlarmReplaced, latePieces, key };
  const small = { ...after, wake: waiting };
  checkTurn(small, at);
  return { ...withJob(world, at, small), holder };
}

function ended(
  world: SmallWorld,
  at: number,
  job: SmallJob,
  { isAlarmReplaced, holder }: { readonly isAlarmReplaced: boolean; readonly holder: number },
): SmallWorld {
  const state = stateOf(job);
  const isKept = isAlarmReplaced || state.alarm === null;
  const small = isKept ? job : withVersion(job, { ...state, alarm: null });
  checkTurn(small, at);
  return { ...withJob(world, at, small), holder: holder === at ? -1 : holder };
}

function cellOf(state: AccountState): AccountCell & { state: AccountState } {
  const cell = {
    state,
    change: (next: AccountState) => {
      cell.state = next;
    },
  };
  return cell;
}

function changed(state: JobState, change: JobChange, at: number): JobState {
  const after = written(state, change);
  checkJobWrite(`job ${at}`, state, after);
  return after;
}

function checkMoney({ balance, holds }: AccountState, at: number): void {
  const problem = balanceProblem(balance, holds);
  must(problem === null, () => `job ${at}: ${problem}`);
}

function checkTurn(job: SmallJob, at: number): void {
  const state = stateOf(job);
  checkJobAtRest({ id: `job ${at}`, state, isHandlingAlarm: job.wake !== null, isAlarmDropped: false });
}

function answerOf(effect: Effect, state: JobState): AnyAnswer {
  switch (effect.kind) {
    case 'read':
      return state.job;
    case 'clock':
      return now;
    case 'random':
      return 0.5;
    case 'settlement':
      return settlementOf(state, effect.hold);
    case 'outbox':
      return outboxOf(state);
    default:
      throw new Error(`${effect.kind} is no question`);
  }
}

/** The next frame of the chunk that the wake began with. */
function pieceOf(job: SmallJob, { chunkFrames }: Bounds): Piece {
  const { answers } = job.wake as WakeState;
  const first = answers[0] as JobRecord;
  const computed = answers.filter(isPiece).length;
  const index = first.cursor + computed;
  const content = drawnContent(drawingOf(first.spec, index), index, stateOf(job).frames);
  const endFrame = Math.min(first.cursor + chunkFrames, first.spec.frames);
  return {
    kind: 'frame',
    frame: frameOf(index, content),
    cache: cachedFrame(index, content).cache,
    goesOn: index + 1 < endFrame,
    window: windowFrames,
  };
}

function isPiece(answer: AnyAnswer): boolean {
  return typeof answer === 'object' && answer !== null && 'goesOn' in answer;
}

function isLate(effect: Effect, answers: readonly AnyAnswer[], state: JobState): boolean {
  return effect.kind === 'compute' && (answers[0] as JobRecord).epoch !== state.job?.epoch;
}

function isAsynchronous({ kind }: Effect): boolean {
  return kind === 'wait' || kind === 'sync' || kind === 'compute' || kind === 'settle' || kind === 'forget';
}

/** True where an alarm is set, but for that of the expiry, which is too far away. */
function isDue({ alarm }: JobState): boolean {
  return alarm !== null && alarm < expiryMs;
}

function canCancel({ job }: JobState): boolean {
  return job !== null && !isFinished(job.status) && isVisible(job.status);
}

function stateOf({ versions }: SmallJob): JobState {
  return versions[versions.length - 1] as JobState;
}

function withJob(world: SmallWorld, at: number, job: SmallJob): SmallWorld {
  return { ...world, jobs: world.jobs.map((old, place) => (place === at ? job : old)) };
}

/**
 * The job with one more group of writes. Where an earlier group left the same behind, that one goes: what a crash can
 * leave stays the same, and a wake that only waits for its turn does not make ever new worlds.
 */
function withVersion(job: SmallJob, state: JobState): SmallJob {
  const id = idOf(state);
  if (idOf(stateOf(job)) === id) return job;
  const same = job.versions.findIndex((version) => idOf(version) === id);
  const versions = [...job.versions.filter((_, place) => place !== same), state];
  const isShifted = job.wake !== null && same !== -1 && same < job.wake.groupsBefore;
  const groupsBefore = (job.wake?.groupsBefore ?? 0) - Number(isShifted);
  return { ...job, versions, wake: job.wake && { ...job.wake, groupsBefore } };
}

function spent(world: SmallWorld, what: keyof SmallWorld['left']): SmallWorld {
  return { ...world, left: { ...world.left, [what]: world.left[what] - 1 } };
}

const ids = new Map<string, number>();
const idsOfObjects = new WeakMap<object, number>();

/** A number that stands for an object's contents. */
function idOf(object: object): number {
  const known = idsOfObjects.get(object);
  if (known !== undefined) return known;
  const id = numbered(JSON.stringify(object));
  idsOfObjects.set(object, id);
  return id;
}

function keyAfter(key: number, answer: AnyAnswer): number {
  const part = typeof answer === 'object' && answer !== null ? `#${idOf(answer)}` : String(answer);
  return numbered(`${key}>${part}`);
}

function numbered(text: string): number {
  const known = ids.get(text);
  if (known !== undefined) return known;
  ids.set(text, ids.size + 1);
  return ids.size;
}
