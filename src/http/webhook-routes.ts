import type { Context } from 'hono';
import type { z } from 'zod';
import { Failure } from '../contract/failure.ts';
import { Video } from '../contract/job.ts';
import { NotifyRequest } from '../contract/video-change.ts';
import { WebhookSecret } from '../contract/webhook.ts';
import { examples } from './examples.ts';
import { foundJob } from './found-job.ts';
import { type Route, route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';
import { videoResponse } from './video-json.ts';

const secret = {
  chapter: 'Webhooks',
  scope: 'generate',
  answer: { description: 'The secret.', content: { 'application/json': WebhookSecret } },
  failures: [],
} as const;

/** Who is told of the end of a video, and what such news are signed with. */
export const webhookRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/videos/{id}/webhook',
    name: 'notifyWebhook',
    chapter: 'Webhooks',
    summary: 'Has the end of a video told again',
    description:
      'The event of its end is sent anew, under the same id and with all its tries. With `webhook_url`, there; where the video has not ended, that is noted for its end.',
    scope: 'generate',
    parameters: { id: 'Id of a video.' },
    body: { schema: NotifyRequest, isOptional: true },
    answer: { description: 'The job after it.', content: { 'application/json': Video } },
    failures: ['job_not_found', 'job_expired', 'url_scheme', 'url_host', 'url_credentials', 'url_port'],
    examples: examples.notifyWebhook,
    handle: notify,
  }),
  route({
    ...secret,
    method: 'GET',
    path: '/v1/account/webhook_secret',
    name: 'retrieveWebhookSecret',
    summary: 'Shows what events are signed with',
    description: 'One secret for all webhooks of the account, made when it is first needed.',
    examples: examples.retrieveWebhookSecret,
    handle: async ({ var: { jobs } }) => Response.json(await jobs.webhookSecret()),
  }),
  route({
    ...secret,
    method: 'POST',
    path: '/v1/account/webhook_secret/rotate',
    name: 'rotateWebhookSecret',
    summary: 'Makes another secret',
    description:
      'For a day events carry signatures of both. Rotating again ends the one before at once: do it twice where a secret has leaked.',
    examples: examples.rotateWebhookSecret,
    handle: async ({ var: { jobs } }) => Response.json(await jobs.rotateWebhookSecret()),
  }),
];

async function notify(
  context: Context<ServiceEnvironment>,
  { path: { id }, body }: { path: { id: string }; body: z.infer<typeof NotifyRequest> },
): Promise<Response> {
  const { webhook_url: webhookUrl } = body;
  const { jobs } = context.var;
  const job = foundJob(id, await jobs.find(id));
  if (job.webhook === null && webhookUrl === undefined) {
    const message = 'webhook_url is missing, and the video has none yet; say who is to be told.';
    throw new Failure('field_required', message, 'webhook_url');
  }
  return videoResponse(context, foundJob(id, await jobs.command(id, { kind: 'notify', webhookUrl })));
}
