import { z } from 'zod';

export const WebhookEventType = z.enum(['video.completed', 'video.failed', 'video.cancelled']);
export type WebhookEventType = z.infer<typeof WebhookEventType>;

/** What is sent to a webhook. */
export const WebhookEvent = z.object({
  /** The same at every try. */
  id: z.string(),
  object: z.literal('event'),
  type: WebhookEventType,
  /** When the video ended, in Unix seconds. */
  created_at: z.int(),
  data: z.object({ id: z.string() }),
});
export type WebhookEvent = z.infer<typeof WebhookEvent>;

const DeliveryStatus = z.enum(['pending', 'delivered', 'failed']);

/** How far the news of an end of a video has come. Times are milliseconds since 1970. */
export const Delivery = z.strictObject({
  /** Epoch of the job in which the video ended so: no other end has the same. */
  epoch: z.int(),
  type: WebhookEventType,
  endedAt: z.int(),
  status: DeliveryStatus,
  /** Tries that were begun. */
  attempts: z.int(),
  /** Null where none follows. */
  nextAttemptAt: z.int().nullable(),
  lastError: z.string().nullable(),
});
export type Delivery = z.infer<typeof Delivery>;

const unixSeconds = z.int().describe('Unix seconds.');

/** A webhook as its video shows it: where to, and how its newest event stands. */
export const Webhook = z
  .object({
    url: z.string(),
    event: WebhookEventType.nullable().describe('The newest event; null until the video ends.'),
    status: DeliveryStatus.describe('`failed`: given up. Have it sent again once the receiver works.'),
    attempts: z.int().describe('Tries that were begun.'),
    last_error: z.string().nullable().describe('What the last try came to, where it failed.'),
    next_attempt_at: unixSeconds.nullable().describe('Null where none follows, or the video has not ended.'),
  })
  .meta({ id: 'Webhook' });
export type Webhook = z.infer<typeof Webhook>;

/** What an account's webhooks are signed with. */
export const WebhookSecret = z
  .object({
    object: z.literal('webhook_secret'),
    secret: z
      .string()
      .describe('`whsec_` and 32 bytes in base64, as verifiers of Standard Webhooks take it.'),
    created_at: unixSeconds,
    previous_until: unixSeconds
      .nullable()
      .describe(
        'Until when events are signed with the secret before this one, too; null where there is none.',
      ),
  })
  .meta({ id: 'WebhookSecret' });
export type WebhookSecret = z.infer<typeof WebhookSecret>;
