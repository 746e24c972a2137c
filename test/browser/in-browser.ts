/** Bundled, and imported by the page or web worker of a test. */
import { goldenPlan, goldenSummary } from '../../bench/golden-video.ts';
import { browserBackend } from '../../src/backend/browser-backend.ts';
import { FloatGolden, type QuantisedGolden } from '../../src/contract/golden-vectors.ts';
import { Past } from '../../src/engine/past.ts';

/** What became of a model's golden video in this browser. */
export async function makeGoldenVideo(
  modelsUrl: string,
  runtimeUrl: string,
  modelName: string,
  goldenUrl: string,
): Promise<QuantisedGolden> {
  const { video } = FloatGolden.parse(await (await fetch(goldenUrl)).json());
  const lease = browserBackend({ modelsUrl, runtimeUrl }).tryAcquire();
  const model = await lease?.open(modelName);
  if (!model) throw new Error('a fresh backend is free');
  const plan = goldenPlan(video, model.manifest);
  const frames = await Array.fromAsync(model.generate(Past.empty(model.manifest), plan));
  return goldenSummary(frames, video, model.manifest);
}
