import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ModelFileError } from '../../src/backend/model-files.ts';
import type { JobSpec } from '../../src/contract/job.ts';
import type { Manifest } from '../../src/contract/manifest.ts';
import { parsed } from '../../src/contract/refusal.ts';
import { jobSpec, VideoRequest } from '../../src/contract/video-request.ts';
import { Cast } from './cast.ts';
import { Closet, type Recipe } from './closet.ts';
import type { ComparedClip } from './comparison.ts';
import { LayerArchive } from './layer-archive.ts';
import type { QualityOptions } from './quality-options.ts';
import { ServedModel } from './served-model.ts';
import {
  type AskedClips,
  CLIP_FRAMES,
  clipCount,
  directions,
  type TrueClip,
  trueClips,
} from './true-clip.ts';
import { Unmeasurable } from './unmeasurable.ts';

const modelsFolder = resolve(import.meta.dirname, '../../models');

/** Everything that is measured, checked, before a graph is loaded. */
export interface Measurement {
  readonly modelFolder: string;
  readonly manifest: Manifest;
  /** Of the first character's videos, but for the label. */
  readonly spec: JobSpec;
  readonly archive: LayerArchive;
  readonly cast: Cast;
  readonly recipes: readonly Recipe[];
  readonly asked: AskedClips;
}

/**
 * Reads model and archive and draws the characters.
 * @throws Unmeasurable, and Failure for settings that the model does not allow
 */
export async function preparedMeasurement(options: QualityOptions): Promise<Measurement> {
  const modelFolder = resolve(modelsFolder, options.model);
  const manifest = await manifestIn(modelFolder);
  checkModel(manifest, options);
  const spec = requestedSpec(options, manifest);
  const archive = new LayerArchive(await readFile(options.pack));
  const cast = new Cast(new Closet(archive, manifest.frame.width), options.split);
  const { actions, direction } = options;
  const asked = { actions, facing: direction === 'all' ? directions : [direction] };
  const measurement = {
    modelFolder,
    manifest,
    spec,
    archive,
    cast,
    recipes: cast.characters(options.characters),
    asked,
  };
  if (frameCount(measurement) > 0) return measurement;
  throw new Unmeasurable(
    `no character can play ${actions.join(', ')}; the archive has sheets for ${cast.labels.join(', ')}`,
  );
}

async function manifestIn(modelFolder: string): Promise<Manifest> {
  try {
    return await ServedModel.manifest(modelFolder);
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    throw new Unmeasurable(`${modelFolder} is no model: ${error.message}`);
  }
}

/** Frames of all videos. */
export function frameCount({ recipes, asked }: Measurement): number {
  return recipes.reduce((sum, recipe) => sum + clipCount(recipe, asked), 0) * CLIP_FRAMES;
}

/** The clips of one character after another, each as the systems draw it; `onFrame` after every frame that the model drew. */
export async function* comparedCharacters(
  { modelFolder, manifest, spec, archive, recipes, asked }: Measurement,
  onFrame: () => void,
): AsyncGenerator<ComparedClip[]> {
  const model = await ServedModel.load(modelFolder, manifest);
  for (const [character, recipe] of recipes.entries()) {
    const compared: ComparedClip[] = [];
    for (const clip of trueClips(archive, manifest.frame.width, recipe, asked)) {
      compared.push(await comparedClip(model, specOf(spec, character, clip), clip, onFrame));
    }
    yield compared;
  }
}

async function comparedClip(
  model: ServedModel,
  spec: JobSpec,
  { label, frames }: TrueClip,
  onFrame: () => void,
): Promise<ComparedClip> {
  const [first] = frames as [Uint8ClampedArray];
  const animated: Uint8ClampedArray[] = [];
  for await (const pixels of model.animated(spec, first)) {
    animated.push(pixels);
    onFrame();
  }
  const copies = frames.map(() => first);
  const tokenizer = await model.reconstructed(frames);
  return { label, truth: frames, made: { 'copy of the first frame': copies, tokenizer, model: animated } };
}

/** Every next character has the next seed. */
function specOf(spec: JobSpec, character: number, { label }: TrueClip): JobSpec {
  const legs = spec.legs.map((leg) => ({ ...leg, seed: leg.seed + character }));
  return { ...spec, legs, labels: [{ from: 0, label }] };
}

/** The settings, checked as those of a request are. */
function requestedSpec(options: QualityOptions, manifest: Manifest): JobSpec {
  const { seed, temperature } = options;
  const settings = { decode_steps: options['decode-steps'], head_steps: options['head-steps'], temperature };
  return jobSpec(
    parsed(VideoRequest, { ...settings, seed, interval: 1, frames: CLIP_FRAMES }),
    manifest,
    seed,
  );
}

function checkModel({ name, frame, labels }: Manifest, { actions }: QualityOptions): void {
  if (frame.width !== frame.height || frame.channels !== 4) {
    throw new Unmeasurable(
      `model ${name} makes ${frame.width}x${frame.height} frames of ${frame.channels} channels; characters of layers are square and RGBA`,
    );
  }
  const unknown = actions.find((action) => !labels.includes(action));
  if (unknown === undefined) return;
  throw new Unmeasurable(`model ${name} has no label ${unknown}; it has ${labels.join(', ')}`);
}
