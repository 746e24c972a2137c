import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { fault, type Log } from '../contract/log.ts';
import type { Delivery, WebhookEvent } from '../contract/webhook.ts';
import { drop, type Fetch, publicFetch } from '../outbound/public-fetch.ts';
import { signatureHeaders } from '../outbound/webhook-signature.ts';
import type { DeliveryAnswer } from './webhook-changes.ts';

/** One try at telling a webhook how a video ended. */
export interface DeliveryOrder {
  /** Public id of the video. */
  readonly videoId: string;
  readonly url: string;
  readonly delivery: Delivery;
  /** Aborts where the try is not to be waited for any longer. */
  readonly interruption: AbortSignal;
}

/** What a delivery takes from outside. */
export interface DeliveryTools {
  readonly fetch: Fetch;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Log;
  /** Of the video's account, newest first. */
  readonly secrets: () => Promise<readonly string[]>;
}

/** Makes one try; never throws. Of the answer nothing but the status is read. */
export async function deliver(order: DeliveryOrder, tools: DeliveryTools): Promise<DeliveryAnswer> {
  const { url, interruption } = order;
  const signal = AbortSignal.any([interruption, AbortSignal.timeout(limits.webhookSeconds * 1000)]);
  try {
    const event = eventOf(order);
    const body = JSON.stringify(event);
    const timestamp = Math.floor(tools.clock() / 1000);
    const signed = await signatureHeaders({ id: event.id, timestamp, body }, await tools.secrets());
    const headers = { 'content-type': 'application/json', 'user-agent': 'magi-webhooks/1', ...signed };
    const response = await publicFetch(tools.fetch, { url, param, method: 'POST', headers, body, signal });
    drop(response);
    return answerOf(response.status);
  } catch (error) {
    if (interruption.aborted) return { kind: 'interrupted' };
    if (error instanceof Failure) return { kind: 'refused', error: error.message, isFinal: false };
    tools.log({ level: 'error', event: 'webhook not sent', job: order.videoId, ...fault(error) });
    return { kind: 'refused', error: 'The service failed to send it; the fault is ours.', isFinal: false };
  }
}

const param = 'webhook_url';

/** The same text at every try: ids of videos are random, and no two ends of one have the same epoch. */
function eventOf({ videoId, delivery }: Pick<DeliveryOrder, 'videoId' | 'delivery'>): WebhookEvent {
  return {
    id: `evt_${videoId.replace(/^video_/, '')}_${delivery.epoch}`,
    object: 'event',
    type: delivery.type,
    created_at: Math.floor(delivery.endedAt / 1000),
    data: { id: videoId },
  };
}

function answerOf(status: number): DeliveryAnswer {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const isFinal = status === 410;
  const rest = isFinal ? 'no more is sent' : 'a status of 200 to 299 would say that it was received';
  return { kind: 'refused', error: `${param} answered with status ${status}; ${rest}.`, isFinal };
}
