import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { goldenPlan, goldenSummary } from '../../bench/golden-video.ts';
import type { Lease } from '../../src/backend/backend.ts';
import { workersBackend } from '../../src/backend/workers-backend.ts';
import { FloatGolden, QuantisedGolden } from '../../src/contract/golden-vectors.ts';
import { Past } from '../../src/engine/past.ts';

const asset = async (path: string) => await (await env.ASSETS.fetch(`https://assets.invalid/${path}`)).json();

test('workerd makes the golden video of nano with the hashes recorded in Node', async () => {
  const { video } = FloatGolden.parse(await asset('nano/float/golden/float.json'));
  const model = await (workersBackend(env.ASSETS).tryAcquire() as Lease).open('nano');
  const plan = goldenPlan(video, model.manifest);
  const frames = await Array.fromAsync(model.generate(Past.empty(model.manifest), plan));
  const recorded = QuantisedGolden.parse(await asset('nano/golden/int8.json'));
  const { distanceFromFloat, ...hashes } = await goldenSummary(frames, video, model.manifest);
  expect({ ...hashes, distanceFromFloat: recorded.distanceFromFloat }).toEqual(recorded);
  // A logarithm's last digit differs between versions of V8.
  expect(distanceFromFloat.pixelPsnr).toBeCloseTo(recorded.distanceFromFloat.pixelPsnr, 9);
  expect(distanceFromFloat.latentMeanAbsolute).toBeCloseTo(recorded.distanceFromFloat.latentMeanAbsolute, 9);
});

test('a model that is not among the assets is a missing manifest', async () => {
  await expect(workersBackend(env.ASSETS).manifest('none')).rejects.toThrow('manifest.json: missing');
});
