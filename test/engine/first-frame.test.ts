import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { directoryFiles } from '../../src/backend/directory-files.ts';
import { readManifest } from '../../src/backend/model-files.ts';
import { loadGraphs } from '../../src/backend/model-loading.ts';
import { compileRuntime } from '../../src/backend/node-backend.ts';
import { GoldenTensor, goldenFloats } from '../../src/contract/golden-vectors.ts';
import { Sampling } from '../../src/contract/sampling.ts';
import { generate } from '../../src/engine/generation.ts';
import { Past } from '../../src/engine/past.ts';

const Vectors = z.object({
  seed: z.int(),
  frames: z.int(),
  ...Sampling.shape,
  firstFrameSampling: Sampling,
  latents: GoldenTensor,
});

test('a first frame that nobody gave, and the next, are those that Python makes', async () => {
  const path = join(import.meta.dirname, '../../training/tests/golden/first-frame.json');
  const { seed, frames, latents, ...sampling } = Vectors.parse(JSON.parse(readFileSync(path, 'utf8')));
  const files = directoryFiles('models/nano/float');
  const graphs = await loadGraphs(files, await readManifest(files), await compileRuntime());
  const plan = { ...sampling, labels: [], palette: 'first_frame', passes: Number.POSITIVE_INFINITY } as const;
  const legs = [{ from: 0, seed, interval: 1 }];
  const made = await Array.fromAsync(
    generate(graphs, Past.empty(graphs.manifest), { ...plan, legs, endFrame: frames }, async () => {}),
  );
  await graphs.release();
  const drawn = made.flatMap((frame) => [...frame.latents]);
  const wanted = goldenFloats(latents);
  expect(drawn).toHaveLength(wanted.length);
  expect(Math.max(...drawn.map((value, i) => Math.abs(value - (wanted[i] as number))))).toBeLessThan(1e-3);
}, 60_000);
