import type { Backend, Lease, Model } from '../backend/backend.ts';
import { ModelFileError } from '../backend/model-files.ts';
import type { Raster } from '../contract/frame.ts';
import type { JobError } from '../contract/job.ts';
import type { Manifest } from '../contract/manifest.ts';
import { labelId } from '../contract/manifest.ts';
import type { GeneratedFrame, GenerationPlan } from '../engine/generation.ts';
import { Past } from '../engine/past.ts';
import { decodeOwnPng, encodePng } from '../media/png.ts';
import { withAlpha, withoutAlpha } from '../media/raster.ts';
import { frameMilliseconds, framesPerWake, type Speed } from './frame-cost.ts';
import type { JobRecord, JobStore } from './job-store.ts';
import type { PastCache } from './past-cache.ts';
import { isRunning } from './state-table.ts';
import { busyRetryMilliseconds, type Turns } from './turns.ts';
import {
  decideWake,
  generationFailed,
  isLastAttempt,
  leaseMilliseconds,
  modelGone,
  retryMilliseconds,
} from './wake.ts';

/** What the jobs of an isolate share, and what they take from outside. */
export interface JobSurroundings {
  readonly backend: Backend;
  readonly speed: Speed;
  readonly pasts: PastCache;
  readonly turns: Turns;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** What a wake touches of its object. */
export interface WakeTarget {
  readonly id: string;
  readonly store: JobStore;
  readonly storage: Pick<DurableObjectStorage, 'setAlarm' | 'deleteAlarm' | 'sync'>;
  /** True once the job has been removed under the wake's feet. */
  readonly isRemoved: () => boolean;
}

/**
 * One alarm run: computes a chunk of frames, each committed by itself. Returns with an alarm set for whatever is to
 * come: the next chunk, the next try, or another look where somebody else computes. Never throws for a frame that
 * cannot be made.
 */
export async function runWake(target: WakeTarget, surroundings: JobSurroundings): Promise<void> {
  const { id, store, storage } = target;
  const { backend, turns, clock } = surroundings;
  const job = store.job();
  if (job === null || !isRunning(job.status)) return;
  const lease = turns.isNext(id, clock()) ? backend.tryAcquire() : undefined;
  if (lease === undefined) {
    turns.wait(id, clock());
    await storage.setAlarm(clock() + busyRetryMilliseconds);
    return;
  }
  turns.leave(id);
  try {
    await compute(target, surroundings, job, lease);
  } finally {
    lease.release();
  }
}

async function compute(
  target: WakeTarget,
  surroundings: JobSurroundings,
  job: JobRecord,
  lease: Lease,
): Promise<void> {
  const { store, storage } = target;
  const { clock } = surroundings;
  const decision = decideWake(job);
  if (decision.kind === 'sleep') return;
  if (decision.kind === 'give_up') {
    await giveUp(target, decision.error);
    return;
  }
  const leaseUntil =
    clock() + leaseMilliseconds(frameMilliseconds(job.frameMultiplyAdds, surroundings.speed));
  store.beginAttempt(decision.attempts, leaseUntil);
  await storage.setAlarm(leaseUntil);
  await storage.sync();
  try {
    const isServed = (await servedBuild(surroundings.backend, job.spec.model)) === job.build;
    if (target.isRemoved()) return;
    if (isServed) await generateChunk(target, surroundings, job, await lease.open(job.spec.model));
    else await giveUp(target, modelGone);
  } catch (error) {
    await retryOrGiveUp(target, clock, error);
  }
}

/** The build of a model that is served now, or null where it is not served any more. */
async function servedBuild(backend: Backend, model: string): Promise<string | null> {
  try {
    return await backend.build(model);
  } catch (error) {
    if (error instanceof ModelFileError) return null;
    throw error;
  }
}

async function giveUp(target: WakeTarget, error: JobError): Promise<void> {
  target.store.fail(error);
  await target.storage.deleteAlarm();
}

async function generateChunk(
  target: WakeTarget,
  surroundings: JobSurroundings,
  job: JobRecord,
  model: Model,
): Promise<void> {
  const { store, storage } = target;
  const { clock, pasts, speed } = surroundings;
  const { manifest } = model;
  const leaseMs = leaseMilliseconds(frameMilliseconds(job.frameMultiplyAdds, speed));
  const endFrame = Math.min(job.cursor + framesPerWake(job.frameMultiplyAdds, speed), job.spec.frames);
  const past = pasts.take(target.id, job.cursor) ?? storedPast(store, manifest, job.cursor);
  for await (const frame of model.generate(past, generationPlan(store, job, manifest, endFrame))) {
    if (target.isRemoved()) return;
    const png = encodePng(displayed(frame, manifest));
    const leaseUntil = clock() + leaseMs;
    const goesOn = frame.index + 1 < endFrame;
    store.commit({ ...frame, png }, { now: clock(), leaseUntil, window: manifest.backbone.window, goesOn });
    // Not awaited: written in the same turn, it joins the commit's transaction.
    void storage.setAlarm(leaseUntil);
  }
  if (target.isRemoved()) return;
  if (endFrame === job.spec.frames) {
    await storage.deleteAlarm();
    return;
  }
  pasts.put(target.id, past);
  await storage.setAlarm(clock());
}

async function retryOrGiveUp(target: WakeTarget, clock: () => number, error: unknown): Promise<void> {
  const job = target.isRemoved() ? null : target.store.job();
  if (job === null || !isRunning(job.status)) return;
  console.error(`job ${target.id}, frame ${job.cursor}, attempt ${job.attempts}:`, error);
  if (isLastAttempt(job.attempts)) {
    await giveUp(target, generationFailed(job.cursor));
    return;
  }
  const nextTry = clock() + retryMilliseconds(job.attempts);
  target.store.postpone(nextTry);
  await target.storage.setAlarm(nextTry);
}

/** The past as storage has it: what a wake goes on from when memory has forgotten. */
function storedPast(store: JobStore, manifest: Manifest, cursor: number): Past {
  const first = store.frames(0, 1)[0];
  if (cursor === 0 || first === undefined) return Past.empty(manifest);
  return Past.restore(manifest, cursor, rgbaPixels(first.png), (frame) => store.keyValues(frame));
}

function generationPlan(
  store: JobStore,
  job: JobRecord,
  manifest: Manifest,
  endFrame: number,
): GenerationPlan {
  const { seed, interval, decodeSteps, headSteps, temperature, palette } = job.spec;
  const labels = job.spec.labels.map(({ from, label }) => ({ from, label: knownLabel(manifest, label) }));
  const firstFrame = store.firstFrame();
  const plan = { seed, endFrame, interval, labels, decodeSteps, headSteps, temperature, palette };
  return firstFrame === null ? plan : { ...plan, firstFrame: rgbaPixels(firstFrame) };
}

function knownLabel(manifest: Manifest, label: string): number {
  const id = labelId(manifest, label);
  if (id === undefined) throw new Error(`model ${manifest.name} does not know the label ${label}`);
  return id;
}

/** RGBA [h, w, 4]. */
function rgbaPixels(png: Uint8Array): Uint8ClampedArray {
  return new Uint8ClampedArray(withAlpha(decodeOwnPng(png)).pixels);
}

/** The frame with as many channels as the model has. */
function displayed(frame: GeneratedFrame, manifest: Manifest): Raster {
  const { width, height, channels } = manifest.frame;
  const rgba: Raster = { width, height, channels: 4, pixels: new Uint8Array(frame.pixels.buffer.slice(0)) };
  return channels === 4 ? rgba : withoutAlpha(rgba);
}
