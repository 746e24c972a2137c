/** A cell of a sheet. Equal poses of one cycle are the same object. */
export interface Pose {
  readonly sheet: string;
  readonly column: number;
}

/** Where an animation stands: position `index` in the cycle of `label`; -1 is before its start. */
export interface Phase {
  readonly label: Label;
  readonly index: number;
}

const standingPose: Pose = { sheet: 'idle', column: 0 };
const guard = sheet('guard', 2);

/** Source frames of one repetition of each label, at interval 1. As in training/magi/data/timeline.py. */
export const cycles = {
  walk: sheet('walk', 8),
  run: sheet('run', 8),
  jump: [standingPose, ...sheet('jump', 6), standingPose],
  slash: [...guard, ...sheet('slash', 7)],
  backslash: [...guard, ...sheet('backslash', 12)],
  halfslash: [...guard, ...sheet('halfslash', 6)],
  swing: [...guard, ...sheet('swing', 6)],
  idle: sheet('idle', 3),
} as const satisfies Record<string, readonly Pose[]>;
export type Label = keyof typeof cycles;

export const labels = Object.keys(cycles) as Label[];

/** Labels that only fighters have. */
export const combat: ReadonlySet<Label> = new Set(['slash', 'backslash', 'halfslash', 'swing']);

/** Labels that keep the phase of the step when one turns into the other. */
const strides: ReadonlySet<Label> = new Set(['walk', 'run']);

export function isLabel(name: string): name is Label {
  return name in cycles;
}

/** The standing pose from which a label starts. */
export function standing(label: Label): Phase {
  return { label, index: -1 };
}

/** Columns of every sheet that the animation of a label shows, the standing pose included. */
export function columnsShown(label: Label): Map<string, number> {
  const columns = new Map<string, number>();
  for (const pose of [standingPose, ...cycles[label]]) {
    columns.set(pose.sheet, Math.max(columns.get(pose.sheet) ?? 0, pose.column + 1));
  }
  return columns;
}

/**
 * Poses of a video whose frame t is wanted to show `wanted[t]`. Frame 0 shows `start`; `interval`
 * source frames lie between two video frames, all of them under the label of the later one.
 */
export function timeline(wanted: readonly Label[], interval: number, start: Phase): Pose[] {
  const poses = [poseOf(start)];
  let phase = start;
  for (const label of wanted.slice(1)) {
    for (let source = 0; source < interval; source++) phase = step(phase, label);
    poses.push(poseOf(phase));
  }
  return poses;
}

/**
 * The source frame after `phase` when `label` is wanted. The same label goes on in its cycle, walk
 * and run keep the phase of the step, and an action that is neither a stride nor idle and is left
 * before its end returns through the standing pose, which takes one source frame.
 */
function step(phase: Phase, label: Label): Phase {
  const next = { label, index: (phase.index + 1) % cycles[label].length };
  if (label === phase.label) return next;
  const isStride = strides.has(phase.label);
  if (isStride && strides.has(label) && phase.index >= 0) return next;
  const ended = phase.index < 0 || phase.index === cycles[phase.label].length - 1;
  return isStride || phase.label === 'idle' || ended ? { label, index: 0 } : standing(label);
}

function poseOf({ label, index }: Phase): Pose {
  return cycles[label][index] ?? standingPose;
}

function sheet(name: string, columns: number): Pose[] {
  return Array.from({ length: columns }, (_, column) => ({ sheet: name, column }));
}
