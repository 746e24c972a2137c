import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import type { Delivery } from '../../src/contract/webhook.ts';
import { commanded } from '../../src/job/job-changes.ts';
import type { JobRecord } from '../../src/job/job-record.ts';
import {
  announced,
  deliveryBegun,
  deliveryEnded,
  dueDelivery,
  nextDeliveryAt,
} from '../../src/job/webhook-changes.ts';
import { samplePrice, sampleRecord } from './sample-record.ts';

const webhookUrl = 'https://hooks.example.com/';
const now = 1_000_000;
const settlement = { hold: 0, captured: 0, isFinal: false, price: samplePrice };
const moment = { now, expiryMs: 1000, settlement };
const refused = { kind: 'refused', error: 'no', isFinal: false } as const;

const fresh: Delivery = {
  ...{ epoch: 0, type: 'video.completed', endedAt: now, status: 'pending' },
  ...{ attempts: 0, nextAttemptAt: now, lastError: null },
};

function jobWith(...deliveries: Delivery[]): JobRecord {
  return { ...sampleRecord, webhookUrl, deliveries };
}

/** Times of all tries at a webhook that refuses each, in milliseconds from the first. */
function tries(random: () => number): number[] {
  const times: number[] = [];
  let delivery = fresh;
  for (let time = 0; delivery.status === 'pending'; time = (delivery.nextAttemptAt ?? 0) - now) {
    times.push(time);
    const begun = deliveryBegun(delivery, now + time, random());
    delivery = deliveryEnded(jobWith(begun), begun, refused) ?? begun;
  }
  return times;
}

describe('the tries at a webhook', () => {
  it('are as many as are allowed, over about a day, and each pause is about four times the one before', () => {
    const hours = 3_600_000;
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
        (draws) => {
          let draw = 0;
          const times = tries(() => draws[draw++] as number);
          expect(times.length).toBe(limits.webhookAttempts);
          expect(times.at(-1)).toBeGreaterThan(18 * hours);
          expect(times.at(-1)).toBeLessThan(28 * hours);
          const pauses = times.slice(1).map((time, at) => time - (times[at] as number));
          for (const [at, pause] of pauses.entries())
            expect(Math.abs(pause / (15_000 * 4 ** at) - 1)).toBeLessThan(0.2001);
        },
      ),
    );
  });

  it('end at once where the receiver wants no more, and when one has been received', () => {
    const begun = deliveryBegun(fresh, now, 0.5);
    const gone = deliveryEnded(jobWith(begun), begun, { ...refused, isFinal: true });
    expect(gone).toMatchObject({ status: 'failed', nextAttemptAt: null, lastError: 'no' });
    const delivered = deliveryEnded(jobWith(begun), begun, { kind: 'delivered' });
    expect(delivered).toMatchObject({ status: 'delivered', nextAttemptAt: null, lastError: null });
  });

  it('are given up where the process died in the last one', () => {
    const last = { ...fresh, attempts: limits.webhookAttempts };
    expect(deliveryBegun(last, now, 0.5)).toMatchObject({
      status: 'failed',
      attempts: limits.webhookAttempts,
      lastError: expect.stringMatching(/stopped/),
    });
  });

  it('do not count where an owner had it sent anew meanwhile', () => {
    const begun = deliveryBegun(fresh, now, 0.5);
    expect(deliveryEnded(jobWith(fresh), begun, { kind: 'delivered' })).toBeNull();
    expect(deliveryEnded(jobWith(), begun, { kind: 'delivered' })).toBeNull();
    expect(deliveryEnded(jobWith(begun), begun, { kind: 'interrupted' })).toBeNull();
  });
});

describe('the end of a video', () => {
  it('is announced where there is a webhook, beside news that have not been heard', () => {
    const end = { type: 'video.cancelled', epoch: 3, endedAt: now } as const;
    const heard = { ...fresh, epoch: 1, status: 'delivered', nextAttemptAt: null } as const;
    const waiting = { ...fresh, epoch: 2, nextAttemptAt: now + 5 };
    const deliveries = announced(jobWith(heard, waiting), end, now);
    expect(deliveries).toEqual([waiting, { ...fresh, ...end }]);
    expect(nextDeliveryAt({ deliveries })).toBe(now);
    expect(dueDelivery({ webhookUrl, deliveries }, now)?.epoch).toBe(3);
    expect(announced({ ...jobWith(), webhookUrl: null }, end, now)).toEqual([]);
  });

  it('drops the oldest of too many news', () => {
    const waiting = Array.from({ length: limits.pendingWebhooks }, (_, epoch) => ({ ...fresh, epoch }));
    const end = { type: 'video.failed', epoch: 99, endedAt: now } as const;
    const epochs = announced(jobWith(...waiting), end, now).map(({ epoch }) => epoch);
    expect(epochs).toEqual([...waiting.slice(1).map(({ epoch }) => epoch), 99]);
  });
});

describe('having it sent again', () => {
  const finished = {
    ...jobWith({ ...fresh, status: 'failed', attempts: 8, nextAttemptAt: null }),
    status: 'completed',
    completedAt: now - 5,
  } as const;

  it('begins all tries anew, to the same or to another URL', () => {
    const again = commanded(finished, { kind: 'notify' }, moment);
    const expected = [{ ...fresh, endedAt: now - 5 }];
    expect(again).toEqual({ job: { webhookUrl, deliveries: expected, wakeAt: now } });
    const other = commanded(finished, { kind: 'notify', webhookUrl: 'https://b.example.com/' }, moment);
    expect(other).toMatchObject({ job: { webhookUrl: 'https://b.example.com/', deliveries: expected } });
  });

  it('only notes the URL while there are frames to make, and does nothing without one', () => {
    const running = { ...sampleRecord, status: 'in_progress' } as const;
    expect(commanded(running, { kind: 'notify', webhookUrl }, moment)).toEqual({ job: { webhookUrl } });
    expect(commanded(running, { kind: 'notify' }, moment)).toBeNull();
  });
});
