import type { Price } from '../../src/billing/price.ts';
import type { CachedFrame } from '../../src/engine/generation.ts';
import type { FrameCommit, JobChange, JobRecord, Settlement } from '../../src/job/job-record.ts';
import type { PlannedFrame } from './frame-content.ts';

interface SettlementRow extends Settlement {
  /** What of it the account has confirmed; -1 = nothing. */
  readonly heardCaptured: number;
  readonly heardFinal: boolean;
}

/** All that one job's object has in storage. Never changed, only replaced, so that any moment can be gone back to. */
export interface JobState {
  readonly job: JobRecord | null;
  /** Content of the committed frames. */
  readonly frames: readonly number[];
  /** What the stored K and V were made from; K and V that nothing may be drawn from have `inexact`. */
  readonly caches: readonly { readonly index: number; readonly content: number }[];
  readonly partial: { readonly index: number; readonly decodeSteps: number; readonly content: number } | null;
  readonly settlements: readonly SettlementRow[];
  readonly alarm: number | null;
  /** What the owner was promised. Known to the simulation alone. */
  readonly plan: readonly PlannedFrame[];
  /** Frames computed and committed under each hold, counted by the simulation alone. */
  readonly made: readonly number[];
}

export const emptyJobState: JobState = {
  job: null,
  frames: [],
  caches: [],
  partial: null,
  settlements: [],
  alarm: null,
  plan: [],
  made: [],
};

/** The state after a job has begun. */
export function begun(
  state: JobState,
  job: JobRecord,
  price: Price,
  plan: readonly PlannedFrame[],
): JobState {
  const settlements = settled([], { hold: job.hold, captured: 0, isFinal: false, price });
  return { ...state, job, plan, settlements, made: [0], alarm: job.wakeAt };
}

/**
 * The state after a change: what SqlJobStore.write does.
 * @throws Error where a row would be there twice
 */
export function written(state: JobState, change: JobChange): JobState {
  if (state.job === null) throw new Error('there is no job to change');
  const job = { ...state.job, ...change.job };
  const frames = framesAfter(state.frames, change);
  const caches = cachesAfter(state.caches, change);
  const partial = partialAfter(state.partial, change);
  let { settlements } = state;
  for (const settlement of change.settlements ?? []) settlements = settled(settlements, settlement);
  for (const settlement of change.heard ?? []) settlements = heard(settlements, settlement);
  const alarm = change.job.wakeAt === undefined ? state.alarm : change.job.wakeAt;
  const made = change.frames === undefined ? state.made : madeAfter(state.made, state.job, change.frames);
  return { job, frames, caches, partial, settlements, alarm, plan: state.plan, made };
}

/** Content of a frame that a wake commits. */
export function contentOf({ latents }: { readonly latents: Float32Array }): number {
  return latents[0] as number;
}

/** A frame to commit. */
export function frameOf(index: number, content: number): FrameCommit {
  return { index, png: noBytes, latents: Float32Array.of(content) };
}

const noBytes = new Uint8Array(0);

/** Content of K and V in the midst of a replay: they lack what came before its start. */
export const inexact = -1;

/** K and V of a frame to keep. */
export function cachedFrame(index: number, content: number): CachedFrame {
  return { index, cache: new Uint8Array(Int32Array.of(content).buffer) };
}

export function settlementOf(state: JobState, hold: number): Settlement {
  const row = state.settlements.find((known) => known.hold === hold);
  if (row === undefined) throw new Error(`there is no hold ${hold}`);
  return told(row);
}

export function outboxOf(state: JobState): Settlement[] {
  return state.settlements.filter(isUnheard).map(told);
}

function isUnheard({ captured, isFinal, heardCaptured, heardFinal }: SettlementRow): boolean {
  return captured > heardCaptured || (isFinal && !heardFinal);
}

function told({ hold, captured, isFinal, price }: SettlementRow): Settlement {
  return { hold, captured, isFinal, price };
}

function framesAfter(frames: readonly number[], change: JobChange): readonly number[] {
  const kept = change.dropsVideo ? [] : frames;
  if (change.frames === undefined) return kept;
  for (const [at, { index }] of change.frames.entries()) {
    if (index < kept.length + at) throw new Error(`frame ${index} is there already`);
    if (index > kept.length + at) throw new Error(`frame ${index} leaves a gap`);
  }
  return [...kept, ...change.frames.map(contentOf)];
}

function cachesAfter(caches: JobState['caches'], change: JobChange): JobState['caches'] {
  if (change.dropsVideo) return [];
  if (change.caches === undefined) return caches;
  const added = change.caches.map(({ index, cache }) => ({
    index,
    content: new Int32Array(cache.buffer)[0] as number,
  }));
  const others = caches.filter(({ index }) => added.every((cached) => cached.index !== index));
  const from = change.keepCacheFrom ?? 0;
  return [...others, ...added].filter(({ index }) => index === 0 || index >= from);
}

function partialAfter(partial: JobState['partial'], change: JobChange): JobState['partial'] {
  if (change.partial === undefined) return change.dropsVideo ? null : partial;
  if (change.partial === null) return null;
  const { index, decodeSteps } = change.partial;
  return { index, decodeSteps, content: contentOf(change.partial) };
}

function settled(
  rows: readonly SettlementRow[],
  { hold, captured, isFinal, price }: Settlement,
): readonly SettlementRow[] {
  if (rows.every((row) => row.hold !== hold))
    return [...rows, { hold, captured, isFinal, price, heardCaptured: -1, heardFinal: false }];
  return rows.map((row) => (row.hold === hold ? { ...row, captured, isFinal } : row));
}

function heard(rows: readonly SettlementRow[], settlement: Settlement): readonly SettlementRow[] {
  const { hold, captured, isFinal } = settlement;
  return rows.map((row) =>
    row.hold === hold ? { ...row, heardCaptured: captured, heardFinal: isFinal } : row,
  );
}

function madeAfter(
  made: readonly number[],
  { hold, source, isFirstGiven }: JobRecord,
  frames: readonly FrameCommit[],
): readonly number[] {
  const free = source?.frames ?? (isFirstGiven ? 1 : 0);
  const computed = frames.filter(({ index }) => index >= free).length;
  const counts = [...made];
  counts[hold] = (counts[hold] ?? 0) + computed;
  return counts;
}
