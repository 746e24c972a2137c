import { limits } from '../contract/config.ts';
import type { Delivery, WebhookEventType } from '../contract/webhook.ts';
import type { JobRecord } from './job-record.ts';

/** What a try at telling a webhook came to. */
export type DeliveryAnswer =
  | { readonly kind: 'delivered' }
  /** `isFinal` where the receiver wants no more of it. */
  | { readonly kind: 'refused'; readonly error: string; readonly isFinal: boolean }
  /** The owner told the job something meanwhile, which does not wait for a receiver. */
  | { readonly kind: 'interrupted' };

type Deliveries = Pick<JobRecord, 'webhookUrl' | 'deliveries'>;

/** Pause after the first try; each one after it is four times as long. */
const firstPauseMilliseconds = 15_000;

/** After the last try there is no next one: this is how long its death may go unnoticed. */
const lastTryMilliseconds = 60_000;

/** Shares of a pause by which it is shorter or longer, so that what failed together does not come again together. */
const jitter = 0.2;

/** Why an event is given up that was never answered. */
const stopped = 'The service was stopped during the last try.';

/** The deliveries of a job that ends: those under way, and the news of this end. */
export function announced(
  { webhookUrl, deliveries }: Deliveries,
  end: { readonly type: WebhookEventType; readonly epoch: number; readonly endedAt: number },
  now: number,
): readonly Delivery[] {
  if (webhookUrl === null) return deliveries;
  const others = deliveries.filter(({ status, epoch }) => status === 'pending' && epoch !== end.epoch);
  const fresh = { ...end, status: 'pending', attempts: 0, nextAttemptAt: now, lastError: null } as const;
  return [...others.slice(1 - limits.pendingWebhooks), fresh];
}

/** The delivery to try now, or null. */
export function dueDelivery({ deliveries }: Deliveries, now: number): Delivery | null {
  return deliveries.find(({ nextAttemptAt }) => nextAttemptAt !== null && nextAttemptAt <= now) ?? null;
}

/** When the next try is wanted; null = never. */
export function nextDeliveryAt({ deliveries }: Pick<Deliveries, 'deliveries'>): number | null {
  return deliveries.map(({ nextAttemptAt }) => nextAttemptAt).reduce(earlier, null);
}

/** The earlier of two times, where null is never. */
export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/**
 * A try that begins. It is written down before it is made, with the time of the next one, so that a process that dies
 * in it has counted it. One that has had all its tries is given up here.
 * @param random from 0 to 1
 */
export function deliveryBegun(delivery: Delivery, now: number, random: number): Delivery {
  if (delivery.attempts >= limits.webhookAttempts)
    return { ...delivery, status: 'failed', nextAttemptAt: null, lastError: delivery.lastError ?? stopped };
  const attempts = delivery.attempts + 1;
  const pause = firstPauseMilliseconds * 4 ** (attempts - 1) * (1 + jitter * (2 * random - 1));
  const isLast = attempts === limits.webhookAttempts;
  return { ...delivery, attempts, nextAttemptAt: now + (isLast ? lastTryMilliseconds : Math.round(pause)) };
}

/** A delivery after a try; null where the answer is to a try that does not count any more, or changes nothing. */
export function deliveryEnded(
  { deliveries }: Deliveries,
  tried: Delivery,
  answer: DeliveryAnswer,
): Delivery | null {
  const known = deliveries.find(({ epoch }) => epoch === tried.epoch);
  if (known?.status !== 'pending' || known.attempts !== tried.attempts) return null;
  if (answer.kind === 'interrupted') return null;
  if (answer.kind === 'delivered')
    return { ...known, status: 'delivered', nextAttemptAt: null, lastError: null };
  const isOver = answer.isFinal || known.attempts >= limits.webhookAttempts;
  const end = isOver ? ({ status: 'failed', nextAttemptAt: null } as const) : {};
  return { ...known, ...end, lastError: answer.error };
}

/** The deliveries with one of them replaced. */
export function withDelivery({ deliveries }: Deliveries, delivery: Delivery): readonly Delivery[] {
  return deliveries.map((known) => (known.epoch === delivery.epoch ? delivery : known));
}
