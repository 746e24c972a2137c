import type { JobSpec, LabelChange } from '../../src/contract/job.ts';
import type { OrderedExtend } from '../../src/job/job-record.ts';

/** What a frame has to become: drawn from this and the frames before it, or the same as a frame of another video. */
export type PlannedFrame =
  | { readonly kind: 'drawn'; readonly seed: number; readonly interval: number; readonly label: string }
  | { readonly kind: 'given' | 'copied'; readonly content: number };

/** Content of a given first frame. */
export const givenContent = 1;

/** Frames before it that a frame depends on; frame 0 is always one of them. */
export const windowFrames = 2;

/** Layers of the backbone: K and V of a frame depend on as many windows of frames before it. */
const layers = 2;

/** Where a replay to a frame goes on after frame 0. */
export function replayStart(end: number): number {
  return Math.max(1, end - layers * windowFrames);
}

/** Frames whose K and V are stored of a past before a frame, in a replay to `end` or whole. */
export function windowOf(cursor: number, end: number): number[] {
  const from = Math.max(replayStart(end), cursor - windowFrames);
  const recent = Array.from({ length: Math.max(0, cursor - from) }, (_, place) => from + place);
  return cursor > 0 ? [0, ...recent] : [];
}

/** Content of a frame: a hash, 24 bits, of all that it depends on. Stands for its pixels, latents, K and V. */
export function drawnContent(
  { seed, interval, label }: Extract<PlannedFrame, { kind: 'drawn' }>,
  index: number,
  past: readonly number[],
): number {
  let hash = mixed(mixed(mixed(mixed(17, seed), interval), label.charCodeAt(0) | 0), index);
  if (index > 0) hash = mixed(hash, past[0] ?? -1);
  for (let frame = Math.max(1, index - windowFrames); frame < index; frame++)
    hash = mixed(hash, past[frame] ?? -1);
  return hash & 0xffffff;
}

/** Content that a planned frame must have. */
export function plannedContent(
  plan: readonly PlannedFrame[],
  index: number,
  past: readonly number[],
): number | null {
  const frame = plan[index];
  if (frame === undefined) return null;
  return frame.kind === 'drawn' ? drawnContent(frame, index, past) : frame.content;
}

/** What a request draws its frame from, as the engine reads it. */
export function drawingOf(
  { legs, labels }: Pick<JobSpec, 'legs' | 'labels'>,
  index: number,
): Extract<PlannedFrame, { kind: 'drawn' }> {
  const leg = legs.findLast(({ from }) => from <= index);
  const label = labels.findLast(({ from }) => from <= index)?.label ?? '-';
  return { kind: 'drawn', seed: leg?.seed ?? -1, interval: leg?.interval ?? -1, label };
}

/** The plan of a new video: frames of the source, or a given frame, then frames drawn alike but for the labels. */
export function newPlan(
  before: readonly PlannedFrame[],
  { seed, interval }: { seed: number; interval: number },
  frames: number,
  labels: readonly LabelChange[],
): PlannedFrame[] {
  const plan: PlannedFrame[] = [...before];
  for (let index = before.length; index < frames; index++)
    plan.push({ kind: 'drawn', seed, interval, label: labelAt(labels, index) ?? '-' });
  return plan;
}

/**
 * The plan of an extended video, told by what the owner was promised and not by what the job stores: what is
 * committed or given stays, and so does the seed. What a fork has not copied it draws itself.
 */
export function extendedPlan(
  plan: readonly PlannedFrame[],
  command: Omit<OrderedExtend, 'order'>,
  fallback: { readonly seed: number; readonly interval: number; readonly labels: readonly LabelChange[] },
): PlannedFrame[] {
  const extended: PlannedFrame[] = [];
  for (let index = 0; index < command.frames; index++) {
    const old = plan[index];
    const kept = index < command.from || old?.kind === 'given' ? old : undefined;
    extended.push(kept ?? { kind: 'drawn', ...newDrawing(command, fallback, index) });
  }
  return extended;
}

function newDrawing(
  command: Omit<OrderedExtend, 'order'>,
  fallback: { readonly seed: number; readonly interval: number; readonly labels: readonly LabelChange[] },
  index: number,
): { seed: number; interval: number; label: string } {
  const older = fallback.labels.filter(({ from }) => command.labels === undefined || from < command.from);
  const label = labelAt(command.labels ?? [], index) ?? labelAt(older, index) ?? '-';
  return { seed: fallback.seed, interval: command.interval ?? fallback.interval, label };
}

function labelAt(labels: readonly LabelChange[], index: number): string | undefined {
  return labels.findLast(({ from }) => from <= index)?.label;
}

function mixed(hash: number, value: number): number {
  let bits = Math.imul(hash ^ value, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) + 0x9e3779b9;
}
