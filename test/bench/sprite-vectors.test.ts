import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Cast, type Split } from '../../bench/quality/cast.ts';
import { Closet } from '../../bench/quality/closet.ts';
import { LayerArchive } from '../../bench/quality/layer-archive.ts';
import { exactColourShare, psnr, summary } from '../../bench/quality/metrics.ts';
import { cycles, isLabel, timeline } from '../../bench/quality/timeline.ts';
import { composed, directions } from '../../bench/quality/true-clip.ts';
import { packOf } from './pack.ts';

const folder = join(import.meta.dirname, '../../training/tests/golden');
const DIGITS = 8;

const Label = z.string().refine(isLabel);
const Pose = z.tuple([z.string(), z.int()]);
const RecipeVector = z.object({
  fighter: z.boolean(),
  labels: z.array(Label),
  layers: z.array(z.tuple([z.string(), z.int()])),
});
const Clip = z.object({
  truth: z.base64(),
  made: z.base64(),
  frames: z.int(),
  psnr: z.number(),
  exactColourShare: z.number(),
});
const Vectors = z.object({
  timelines: z.array(
    z.object({
      labels: z.array(Label),
      interval: z.int(),
      start: z.object({ label: Label, index: z.int() }),
      poses: z.array(Pose),
    }),
  ),
  archive: z.record(
    z.string(),
    z.object({ colours: z.array(z.string()), anims: z.record(z.string(), z.array(z.int())) }),
  ),
  recipes: z.record(z.string(), z.array(RecipeVector)),
  composed: RecipeVector.extend({ poses: z.array(Pose), direction: z.enum(directions), sha256: z.string() }),
  clips: z.array(Clip),
  summary: z.object({ values: z.array(z.number()), mean: z.number(), low: z.number(), high: z.number() }),
});

const vectors = Vectors.parse(JSON.parse(await readFile(join(folder, 'sprites.json'), 'utf8')));

/** Poses by their names, as equal objects where they are equal. */
function posesOf(names: readonly z.infer<typeof Pose>[]) {
  const all = Object.values(cycles).flat();
  return names.map(([sheet, column]) => {
    const pose = all.find((known) => known.sheet === sheet && known.column === column);
    if (pose === undefined) throw new Error(`no cycle shows ${sheet} ${column}`);
    return pose;
  });
}

describe('agrees with training', () => {
  it.each(vectors.timelines)('on the poses of a schedule: interval $interval from $start', (known) => {
    const poses = timeline(known.labels, known.interval, known.start);
    expect(poses.map(({ sheet, column }) => [sheet, column])).toEqual(known.poses);
  });

  it.each(Object.entries(vectors.recipes))('on the characters of %s', (split, known) => {
    const closet = new Closet(new LayerArchive(packOf(vectors.archive)), 64);
    const recipes = new Cast(closet, split as Split).characters(known.length);
    const plain = recipes.map(({ layers, ...rest }) => ({
      ...rest,
      layers: layers.map(({ item, colour }) => [item, colour]),
    }));
    expect(plain).toEqual(known);
  });

  it('on the pixels of a character, from an archive that NumPy wrote', async () => {
    const { layers, poses, direction, sha256 } = vectors.composed;
    const archive = new LayerArchive(await readFile(join(folder, 'layers.npz')));
    const worn = { layers: layers.map(([item, colour]) => ({ item, colour })) };
    const frames = composed(archive, 64, worn, posesOf(poses), directions.indexOf(direction));
    const hash = createHash('sha256');
    for (const frame of frames) hash.update(frame);
    expect(hash.digest('hex')).toBe(sha256);
  });

  it.each(vectors.clips)('on a clip of $psnr dB', (clip) => {
    const [truth, made] = [clip.truth, clip.made].map((base64) => later(base64, clip.frames));
    if (truth === undefined || made === undefined) throw new Error('a clip has two sides');
    expect(psnr(truth, made)).toBeCloseTo(clip.psnr, DIGITS);
    expect(exactColourShare(truth, made)).toBeCloseTo(clip.exactColourShare, DIGITS);
  });

  it('on a mean and its bootstrap interval', () => {
    const { values, ...known } = vectors.summary;
    const made = summary(values);
    for (const key of ['mean', 'low', 'high'] as const) expect(made[key]).toBeCloseTo(known[key], DIGITS);
  });
});

/** Frames 1 on. */
function later(base64: string, frames: number): Uint8Array[] {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  const size = bytes.length / frames;
  return Array.from({ length: frames - 1 }, (_, index) =>
    bytes.subarray((index + 1) * size, (index + 2) * size),
  );
}
