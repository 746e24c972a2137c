import { frameCredits } from '../billing/price.ts';
import { Failure } from '../contract/failure.ts';
import { jobSpec, type VideoRequest } from '../contract/video-request.ts';
import { jobCost, meanMultiplyAdds } from '../job/frame-cost.ts';
import type { NewJob } from '../job/job-directory.ts';
import { fitted } from '../media/fit.ts';
import { encodePng } from '../media/png.ts';
import { referenceBytes } from './input-reference.ts';
import type { Services } from './services.ts';

/** Refusals of a request for a video that depend on its model or its first frame. */
export const newJobFailures = [
  'model_unknown',
  'label_unknown',
  'labels_order',
  'size_unsupported',
  'seed_unsafe',
  'fields_conflict',
  'out_of_range',
  'url_scheme',
  'url_host',
  'url_credentials',
  'url_port',
  'url_redirect',
  'url_body_too_large',
  'url_unreachable',
  'image_dimensions',
  'image_inflate_limit',
  'image_corrupt',
  'image_animated',
  'image_type',
] as const;

/**
 * What a request for a video asks for, checked and with all defaults.
 * @throws Failure of newJobFailures
 */
export async function newJob(services: Services, request: VideoRequest): Promise<NewJob> {
  const { models, decodeImage, fetch, randomSeed, multiplyAddsPerCredit } = services;
  const name = request.model ?? models.byDefault;
  const manifest = await models.manifest(name);
  if (manifest === null) {
    throw new Failure(
      'model_unknown',
      `model "${name}" is not served; there are ${models.names.join(', ')}.`,
      'model',
    );
  }
  const spec = jobSpec(request, manifest, randomSeed());
  const file = await referenceBytes(request.input_reference, fetch);
  const firstFrame = file === null ? null : encodePng(fitted(await decodeImage(file), manifest.frame));
  const cost = jobCost(manifest, spec);
  const multiplyAdds = meanMultiplyAdds(cost, { frames: spec.frames, drawsFirst: firstFrame === null });
  return {
    spec,
    build: await models.build(name),
    ...cost,
    frameCredits: frameCredits(multiplyAdds, multiplyAddsPerCredit),
    firstFrame,
    source: null,
    webhookUrl: request.webhook_url,
  };
}
