import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parsed, wholeNumber } from '../../src/contract/refusal.ts';
import { splitNames } from './cast.ts';
import { isLabel, labels } from './timeline.ts';
import { directions } from './true-clip.ts';

export const help = `npm run quality -- --pack <file> [options]: a model's videos beside true animations of your own characters

  --pack <file>           archive of layers, .npz (docs/quality.md says what is in it)
  --model <name>          folder below models/, or a path (sprite)
  --characters <number>   how many to draw from the archive (20)
  --split <name>          all: from every item; or the very characters of training's val, test-combo, test-item (all)
  --actions <list>        of ${labels.join(',')} (walk,run,slash,jump)
  --direction <name>      ${directions.join(', ')} or all (down)
  --decode-steps <number>, --head-steps <number>, --temperature <number>   (the model's)
  --seed <number>         of the first character's videos; every next one has the next seed (0)
  --out <folder>          where a picture of each character goes (out/quality)
  --json                  prints nothing but the JSON object that is the last line otherwise
  --help`;

const optionsSchema = z.strictObject({
  pack: z.string('must be an archive of layers (.npz)'),
  model: z.string(),
  characters: wholeNumber(1, 1_000_000),
  split: z.enum(splitNames, `must be one of ${splitNames.join(', ')}`),
  actions: z
    .string()
    .transform((list) => [...new Set(list.split(',').map((name) => name.trim()))])
    .pipe(z.array(z.string().refine(isLabel, `must be one of ${labels.join(', ')}`))),
  direction: z.enum([...directions, 'all'], `must be one of ${directions.join(', ')}, all`),
  'decode-steps': z.number().optional(),
  'head-steps': z.number().optional(),
  temperature: z.number().optional(),
  seed: z.number(),
  out: z.string(),
  json: z.boolean(),
});
export type QualityOptions = z.infer<typeof optionsSchema>;

/**
 * The options of a command line; null where help is asked for. Steps, temperature and seed are
 * checked against the model as those of a request are.
 * @throws Failure, or an error of parseArgs, that says what is allowed
 */
export function qualityOptions(args: string[]): QualityOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      pack: text,
      model: { ...text, default: 'sprite' },
      characters: { ...text, default: '20' },
      split: { ...text, default: 'all' },
      actions: { ...text, default: 'walk,run,slash,jump' },
      direction: { ...text, default: 'down' },
      'decode-steps': text,
      'head-steps': text,
      temperature: text,
      seed: { ...text, default: '0' },
      out: { ...text, default: join('out', 'quality') },
      json: flag,
      help: flag,
    },
  });
  const { help: asksForHelp, ...options } = values;
  if (asksForHelp) return null;
  const numbers = ['characters', 'decode-steps', 'head-steps', 'temperature', 'seed'] as const;
  const counted = numbers.map((name) => [name, numberOf(options[name])] as const);
  return parsed(optionsSchema, { ...options, ...Object.fromEntries(counted) });
}

/** Text that is no number stays, so that it is refused by name. */
function numberOf(text: string | undefined): number | string | undefined {
  return text === undefined || text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}
