import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cast } from '../../bench/quality/cast.ts';
import { Closet } from '../../bench/quality/closet.ts';
import { LayerArchive } from '../../bench/quality/layer-archive.ts';
import { preparedMeasurement } from '../../bench/quality/measurement.ts';
import { type QualityOptions, qualityOptions } from '../../bench/quality/quality-options.ts';
import { decodeOwnPng } from '../../src/media/png.ts';
import { type PackItem, packOf } from './pack.ts';

const run = promisify(execFile);

const peaceful = { idle: [256, 192], walk: [256, 512], run: [256, 512], jump: [256, 384] };
const combat = {
  guard: [256, 128],
  slash: [256, 448],
  backslash: [256, 768],
  halfslash: [256, 384],
  swing: [256, 384],
};

function item(
  anims: PackItem['anims'] = { ...peaceful, ...combat },
  colours = ['_base', 'Ivory', 'Tan'],
): PackItem {
  return { colours, anims };
}

function castOf(items: Record<string, PackItem>): Cast {
  return new Cast(new Closet(new LayerArchive(packOf(items)), 64), 'all');
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'magi-quality-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function argumentsFor(pack: Uint8Array | string, args: string[]): Promise<string[]> {
  const file = join(folder, 'pack.npz');
  await writeFile(file, pack);
  return ['--pack', file, '--out', join(folder, 'out'), ...args];
}

async function quality(pack: Uint8Array | string, ...args: string[]) {
  const all = ['bench/quality.ts', ...(await argumentsFor(pack, args))];
  return run(process.execPath, all, { timeout: 280_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) =>
      ({ code, stdout, stderr }) as { code: number; stdout: string; stderr: string },
  );
}

describe('the command', () => {
  it('measures a model on an archive of any names, draws every character, and says what it left out', async () => {
    const pack = packOf(
      { 'folk/body': item(peaceful), 'hats/tall': item(peaceful), 'hats/torn': item({ idle: [256, 192] }) },
      true,
    );
    const options = [
      '--characters',
      '1',
      '--actions',
      'walk,slash',
      '--decode-steps',
      '1',
      '--head-steps',
      '1',
      '--temperature',
      '0',
    ];
    const { code, stdout, stderr } = await quality(pack, ...options);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('hats/torn has no sheet walk, run, jump'),
    });
    expect(stderr).toContain('16/16 frames');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^\| copy of the first frame \| \d+\.\d\d \(/));
    const figures = JSON.parse(lines.at(-1) ?? '');
    expect(figures).toMatchObject({
      ...{
        model: 'sprite',
        rule: 'folders',
        split: 'all',
        characters: 1,
        decodeSteps: 1,
        headSteps: 1,
        temperature: 0,
      },
      leftOut: { lackingSheets: { 'hats/torn': ['walk', 'run', 'jump'] } },
    });
    for (const system of ['model', 'tokenizer', 'copy of the first frame']) {
      expect(figures.psnr[system].walk).toMatchObject({ mean: figures.psnr[system].mean, count: 1 });
      expect(figures.psnr[system].slash).toBeUndefined();
      expect(figures.exactColourShare[system].count).toBe(1);
    }
    expect(figures.psnr.tokenizer.mean).toBeGreaterThan(figures.psnr['copy of the first frame'].mean);
    expect(await readdir(join(folder, 'out'))).toEqual(['0.png']);
    const sheet = decodeOwnPng(await readFile(join(folder, 'out', '0.png')));
    expect([sheet.width, sheet.height]).toEqual([16 * 128, 3 * 128]);
  }, 300_000);

  it('explains itself', async () => {
    expect((await quality('', '--help')).stdout).toContain('--pack <file>');
  });

  const body = { body: item() };
  const refusals: [why: string, pack: Uint8Array | string, args: string[], message: string][] = [
    ['a file that is no archive', 'hello', [], 'no intact .npz file'],
    [
      'an archive without anything to animate',
      packOf({ body: item({ idle: [128, 96] }) }),
      [],
      'no item with the sheets',
    ],
    ['a split of other names', packOf(body), ['--split', 'test-item'], 'use --split all'],
    [
      'an action without sheets',
      packOf({ body: item(peaceful) }),
      ['--characters', '1', '--actions', 'slash'],
      'walk, run, jump, idle',
    ],
    ['an unknown action', packOf(body), ['--actions', 'walk,fly'], 'must be one of walk, run'],
    ['an unknown direction', packOf(body), ['--direction', 'north'], 'direction must be one of up'],
    ['no characters', packOf(body), ['--characters', 'none'], 'characters must be a whole number'],
    ['more decode steps than the model allows', packOf(body), ['--decode-steps', '99'], '1 to 16'],
    [
      'a temperature over the limit',
      packOf(body),
      ['--temperature', '3'],
      'temperature must be a number from 0 to 2',
    ],
    ['a model that draws no such characters', packOf(body), ['--model', 'nano'], 'square and RGBA'],
    [
      'a model that is not there',
      packOf(body),
      ['--model', 'none'],
      'models/none is no model: manifest.json: missing',
    ],
    ['an unknown option', packOf(body), ['--fast'], '--fast'],
  ];
  it.each(refusals)('refuses %s with a message, and before it computes', async (_, pack, args, message) => {
    const asked = async () =>
      preparedMeasurement(qualityOptions(await argumentsFor(pack, args)) as QualityOptions);
    await expect(asked()).rejects.toThrow(message);
  });

  it('that is refused ends with exit code 1 and no stack trace', async () => {
    const { code, stdout, stderr } = await quality('hello');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^the archive is no intact .npz file: .*\n$/);
  });
});

describe('characters', () => {
  it('of an archive of any names have a body with its parts in one skin, and at most one item of each other folder', () => {
    const cast = castOf({
      'folk/thin': item(),
      'folk/tall': item(),
      'coats/long': item(undefined, ['Red', 'Blue']),
      'coats/short': item(undefined, ['Red', 'Blue']),
      'ears/round': item(),
      'ears/round/_Behind': item(),
    });
    for (const { layers, fighter, labels } of cast.characters(30)) {
      const worn = layers.map(({ item }) => item);
      const [body] = layers.filter(({ item }) => item.startsWith('folk/'));
      const ears = layers.filter(({ item }) => item.startsWith('ears/'));
      expect(worn.filter((name) => name.startsWith('folk/'))).toHaveLength(1);
      expect(worn.filter((name) => name.startsWith('coats/')).length).toBeLessThan(2);
      expect(ears).toHaveLength(2);
      expect(ears.every(({ colour }) => colour === body?.colour)).toBe(true);
      expect(worn.indexOf('ears/round/_Behind')).toBeLessThan(1);
      expect(labels.includes('slash')).toBe(fighter);
    }
  });

  it('of the names of LPC Revised wear other bodies, hair, hats and clothes than training had', () => {
    const cast = castOf({
      'Body/Body 05 - Sturdy': item(),
      'Head/Head 09 - Wolf': item(),
      'Hair/Long 01 - Braid': item(),
      'Clothing/Sturdy/Feet/Sandals 01 - Flat': item(),
      'Clothing/Sturdy/Cloak/Cloak 01 - Cape': item(),
      'Head Accessories/Hat 01 - Cap': item(),
      'Props/Lamp': item(),
    });
    const worn = new Set(cast.characters(60).flatMap(({ layers }) => layers.map(({ item }) => item)));
    expect(cast.rule).toBe('LPC Revised');
    expect(worn.size).toBe(6);
    expect(cast.leftOut().withoutRule).toEqual(['Props/Lamp']);
  });

  it('that fight wear nothing without combat sheets, and what lacks a sheet is worn by nobody', () => {
    const cast = castOf({
      'folk/body': item(),
      'feet/boots': item(peaceful),
      'feet/wings': item({ ...peaceful, walk: [512, 1024] }),
    });
    const characters = cast.characters(6);
    const booted = characters.filter(({ layers }) => layers.some(({ item }) => item === 'feet/boots'));
    expect(booted.length).toBeGreaterThan(0);
    expect(booted.some(({ fighter }) => fighter)).toBe(false);
    expect(cast.leftOut()).toEqual({
      lackingSheets: { 'feet/wings': ['walk'] },
      withoutRule: [],
      notInCombat: ['feet/boots'],
    });
  });

  it('are all different, and as many as the archive makes', () => {
    expect(castOf({ body: item() }).characters(20)).toHaveLength(6);
    const names = castOf({ body: item(), 'hats/tall': item() })
      .characters(10)
      .map((recipe) => JSON.stringify(recipe));
    expect(new Set(names).size).toBe(10);
  });
});

it('an archive that is not what its meta says is refused by the name of the array', () => {
  const draw = (items: Record<string, PackItem>) => () => {
    const archive = new LayerArchive(packOf(items));
    archive.draw(new Uint32Array(64 * 64), { item: 'body', colour: 0 }, 'idle', {
      row: 0,
      column: 0,
      cell: 64,
    });
  };
  expect(draw({ body: item() })).toThrow('body|idle has 0 bytes, not 49152');
  expect(() => new LayerArchive(packOf({ body: item(peaceful, []) }))).toThrow(
    'meta is wrong at body.colours',
  );
});
