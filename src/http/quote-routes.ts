import { totalCredits } from '../billing/price.ts';
import { Quote } from '../contract/account.ts';
import { limits } from '../contract/config.ts';
import { VideoRequest } from '../contract/video-request.ts';
import { frameMilliseconds, meanMultiplyAdds } from '../job/frame-cost.ts';
import type { NewJob } from '../job/job-directory.ts';
import { newJobPrice } from '../job/order-price.ts';
import { examples } from './examples.ts';
import { newJob, newJobFailures } from './new-job.ts';
import { type Route, route } from './route.ts';
import type { Services } from './services.ts';

export const quoteRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/quotes',
    name: 'createQuote',
    chapter: 'Credits',
    summary: 'Says what a video would cost',
    description:
      'Takes the body of `POST /v1/videos`, checks it in the same way, and creates nothing. A price changes only when the service is set up anew; what an order holds is fixed.',
    scope: 'generate',
    body: { schema: VideoRequest },
    answer: { description: 'The price.', content: { 'application/json': Quote } },
    failures: newJobFailures,
    examples: examples.createQuote,
    handle: async ({ env }, { body }) => Response.json(quoteJson(await newJob(env, body), env)),
  }),
];

function quoteJson(job: NewJob, { speed, clock }: Services): Quote {
  const price = newJobPrice(job);
  const each = meanMultiplyAdds(job, { frames: job.spec.frames, drawsFirst: job.firstFrame === null });
  const multiplyAdds = price.frames * each;
  const now = Math.floor(clock() / 1000);
  return {
    object: 'quote',
    model: job.spec.model,
    frames: { requested: job.spec.frames, paid: price.frames },
    credits: { per_frame: price.frameCredits, total: totalCredits(price) },
    expected_seconds: frameMilliseconds(multiplyAdds, speed) / 1000,
    created_at: now,
    expires_at: now + limits.quoteSeconds,
  };
}
