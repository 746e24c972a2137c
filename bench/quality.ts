/**
 * Measures a model's served graphs on characters of an archive of layers; docs/quality.md.
 *
 *     npm run quality -- --pack layers.npz
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ModelFileError } from '../src/backend/model-files.ts';
import { ProgressBar, progressLine } from '../src/command/progress-bar.ts';
import { Failure } from '../src/contract/failure.ts';
import { Comparison, figureTable } from './quality/comparison.ts';
import { contactSheet } from './quality/contact-sheet.ts';
import { leftOutNotices } from './quality/left-out.ts';
import {
  comparedCharacters,
  frameCount,
  type Measurement,
  preparedMeasurement,
} from './quality/measurement.ts';
import { help, type QualityOptions, qualityOptions } from './quality/quality-options.ts';
import { Unmeasurable } from './quality/unmeasurable.ts';

try {
  const options = qualityOptions(process.argv.slice(2));
  if (options === null) console.log(help);
  else await report(options, await preparedMeasurement(options));
} catch (error) {
  console.error(isUnderstandable(error) ? (error as Error).message : error);
  process.exitCode = 1;
}

/** Wrong options, archives and models: their messages say all there is to say. */
function isUnderstandable(error: unknown): boolean {
  if ([Unmeasurable, Failure, ModelFileError].some((kind) => error instanceof kind)) return true;
  return /^(ERR_PARSE_ARGS|ENOENT|EACCES|EISDIR)/.test((error as { code?: string }).code ?? '');
}

/** Measures, writes a picture of every character and prints the figures. */
async function report(options: QualityOptions, measurement: Measurement): Promise<void> {
  const began = performance.now();
  for (const notice of notices(options, measurement)) console.error(notice);
  const comparison = await compared(options, measurement);
  if (!options.json) {
    console.log(`${title(options, measurement)}\n\n${figureTable(comparison)}\n\nPictures: ${options.out}`);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(JSON.stringify({ ...settings(options, measurement), ...comparison.figures(), seconds }));
}

/** What is asked for or in the archive and will not be measured. */
function notices({ characters, actions, split }: QualityOptions, { cast, recipes }: Measurement): string[] {
  const made = recipes.length;
  const fewer =
    made < characters ? [`Split ${split} has ${made} different characters, not ${characters}`] : [];
  const idle = actions.filter((action) => !recipes.some(({ labels }) => labels.includes(action)));
  const unplayed = idle.map((action) => `Not measured: ${action}, for which no character has the sheets`);
  return [...fewer, ...unplayed, ...leftOutNotices(cast.leftOut())];
}

async function compared({ actions, out }: QualityOptions, measurement: Measurement): Promise<Comparison> {
  const comparison = new Comparison(actions);
  const bar = new ProgressBar(process.stderr);
  const total = frameCount(measurement);
  const began = performance.now();
  let done = 0;
  const onFrame = () => {
    done += 1;
    bar.show(done, total, progressLine({ done, total, rate: (1000 * done) / (performance.now() - began) }));
  };
  await mkdir(out, { recursive: true });
  let character = 0;
  for await (const clips of comparedCharacters(measurement, onFrame)) {
    for (const clip of clips) comparison.add(clip);
    const picture = join(out, `${character}.png`);
    if (clips.length > 0) await writeFile(picture, contactSheet(clips, measurement.manifest.frame.width));
    character += 1;
  }
  bar.end();
  return comparison;
}

function title({ split, direction }: QualityOptions, { manifest, cast, recipes, spec }: Measurement): string {
  const steps = `${spec.decodeSteps} decode steps, ${spec.headSteps} head steps, temperature ${spec.temperature}`;
  return [
    `${manifest.name}, ${manifest.precision}: ${steps}`,
    `${recipes.length} characters of split ${split} (drawn by the rule "${cast.rule}"), facing ${direction}`,
    'PSNR in dB over frames 1 to 15, 95% bootstrap interval',
  ].join('\n');
}

function settings(options: QualityOptions, { manifest, cast, recipes, spec }: Measurement): object {
  const { split, direction, seed } = options;
  const { decodeSteps, headSteps, temperature } = spec;
  return {
    model: manifest.name,
    pack: basename(options.pack),
    ...{ rule: cast.rule, split, direction, characters: recipes.length, seed },
    ...{ decodeSteps, headSteps, temperature },
    leftOut: cast.leftOut(),
  };
}
