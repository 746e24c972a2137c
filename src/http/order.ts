import type { Context } from 'hono';
import { z } from 'zod';
import type { Ticket } from '../billing/claims.ts';
import { limits } from '../contract/config.ts';
import { Failure, type FailureCode } from '../contract/failure.ts';
import type { NamedJob } from '../job/job-directory.ts';
import type { ServiceEnvironment } from './services.ts';
import { videoResponse } from './video-json.ts';

const key = z
  .string()
  .optional()
  .describe(
    `A text of your own, at most ${limits.idempotencyKeyCharacters} characters. The same request under the same key is carried out once in ${limits.idempotencyHours} hours, however often it is sent: the answer is that of the first time, with fresh links.`,
  )
  .meta({ minLength: 1, maxLength: limits.idempotencyKeyCharacters });

/** Of a call that adds frames to a video. */
export const ExtensionHeaders = z.object({ 'idempotency-key': key });

/** Of a call that makes a new video. */
export const NewVideoHeaders = z.object({
  'idempotency-key': key,
  'x-stainless-retry-count': z
    .string()
    .optional()
    .describe(
      `Above 0 where a client sends a request again by itself, as the package openai does. Without a key, it is then answered with the video that the same request made in the last ${limits.repetitionMinutes} minutes.`,
    ),
});

export type OrderHeaders = z.infer<typeof NewVideoHeaders>;

/** Refusals of an order that may have been sent before. */
export const orderFailures: readonly FailureCode[] = [
  'idempotency_invalid',
  'idempotency_reused',
  'idempotency_in_progress',
  'job_not_found',
  'job_expired',
];

/**
 * Answers an order of frames. One that was sent before is not even looked at: what it was refused for now, such as an
 * image that is not there any more, it may not have been refused for then.
 * @throws Failure of orderFailures
 */
export async function orderResponse(
  context: Context<ServiceEnvironment>,
  { headers, body }: { readonly headers: OrderHeaders; readonly body: unknown },
  carryOut: (ticket: Ticket) => Promise<NamedJob>,
): Promise<Response> {
  const ticket = await ticketOf(headers, [context.req.path, body]);
  const isKnowable = ticket.key !== null || ticket.isRepeated;
  const recalled = async () => (isKnowable ? context.var.jobs.recall(ticket) : null);
  const carriedOut = async () => {
    try {
      return await carryOut(ticket);
    } catch (error) {
      // Where the same order is carried out at the same time, that may be the reason of the refusal.
      const known = error instanceof Failure ? await recalled() : null;
      if (known === null) throw error;
      return known;
    }
  };
  return videoResponse(context, (await recalled()) ?? (await carriedOut()));
}

/** @throws Failure idempotency_invalid */
async function ticketOf(headers: OrderHeaders, request: unknown): Promise<Ticket> {
  const { 'idempotency-key': sent = null, 'x-stainless-retry-count': retries = '0' } = headers;
  const { idempotencyKeyCharacters: maximum } = limits;
  if (sent !== null && (sent.length === 0 || sent.length > maximum)) {
    throw new Failure(
      'idempotency_invalid',
      `Idempotency-Key must have 1 to ${maximum} characters; it has ${sent.length}.`,
      'idempotency-key',
    );
  }
  return { key: sent, request: await digest(request), isRepeated: Number(retries) > 0 };
}

/** The same for requests that mean the same, whatever the order of their fields and the form they came in. */
async function digest(request: unknown): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(await comparable(request))));
}

/** Fields in one order; files by their hash. */
async function comparable(value: unknown): Promise<unknown> {
  if (value instanceof Uint8Array) return { sha256: await sha256(value) };
  if (Array.isArray(value)) return Promise.all(value.map(comparable));
  if (value === null || typeof value !== 'object') return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(fields.map(async ([name, field]) => [name, await comparable(field)]));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
