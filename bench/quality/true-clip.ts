import type { Recipe } from './closet.ts';
import type { LayerArchive } from './layer-archive.ts';
import { type Label, type Pose, standing, timeline } from './timeline.ts';

/** Rows of a sheet. */
export const directions = ['up', 'left', 'down', 'right'] as const;
type Direction = (typeof directions)[number];

export const CLIP_FRAMES = 16;

/** The true animation of one character under one label, from its standing pose. */
export interface TrueClip {
  readonly label: Label;
  /** RGBA [cell, cell, 4] each; equal poses of one cycle are the same object. */
  readonly frames: readonly Uint8ClampedArray[];
}

/** Which clips of a character are wanted. */
export interface AskedClips {
  readonly actions: readonly Label[];
  readonly facing: readonly Direction[];
}

/** The clips of a character: every asked label that it can play, in every asked direction. */
export function trueClips(
  archive: LayerArchive,
  cell: number,
  recipe: Recipe,
  asked: AskedClips,
): TrueClip[] {
  return playedLabels(recipe, asked).flatMap((label) => {
    const poses = timeline(new Array<Label>(CLIP_FRAMES).fill(label), 1, standing(label));
    const rows = asked.facing.map((direction) => directions.indexOf(direction));
    return rows.map((row) => ({ label, frames: composed(archive, cell, recipe, poses, row) }));
  });
}

/** How many clips a character has. */
export function clipCount(recipe: Recipe, asked: AskedClips): number {
  return playedLabels(recipe, asked).length * asked.facing.length;
}

function playedLabels(recipe: Recipe, { actions }: AskedClips): Label[] {
  return actions.filter((label) => recipe.labels.includes(label));
}

/** Frames of a character in poses, RGBA [cell, cell, 4]; a pose is drawn once. */
export function composed(
  archive: LayerArchive,
  cell: number,
  { layers }: Pick<Recipe, 'layers'>,
  poses: readonly Pose[],
  row: number,
): Uint8ClampedArray[] {
  const drawn = new Map<Pose, Uint8ClampedArray>();
  for (const pose of new Set(poses)) {
    const words = new Uint32Array(cell * cell);
    for (const layer of layers) archive.draw(words, layer, pose.sheet, { row, column: pose.column, cell });
    drawn.set(pose, new Uint8ClampedArray(words.buffer));
  }
  return poses.map((pose) => drawn.get(pose) as Uint8ClampedArray);
}
