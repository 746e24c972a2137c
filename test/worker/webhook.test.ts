import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import type { WebhookEvent } from '../../src/contract/webhook.ts';
import { eventually } from '../eventually.ts';
import { FakeIsolate } from './fake-isolate.ts';
import { calmHash, type FakeJob, inObject } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

const webhookUrl = 'https://hooks.example.com/videos?key=1';

interface Heard {
  readonly url: string;
  readonly id: string | null;
  readonly event: WebhookEvent;
}

/** Made where it is used: objects share no responses. */
type Answer = (() => Response) | 'no answer';

/** Answers tries one after the other; the last answer is that of all further ones. */
function receiver(job: FakeJob, ...answers: (Answer | 'hangs')[]): Heard[] {
  const heard: Heard[] = [];
  job.fetch = (url, { headers, body, signal }) => {
    const id = new Headers(headers).get('webhook-id');
    const answer = answers[Math.min(heard.length, answers.length - 1)] as (typeof answers)[number];
    heard.push({ url, id, event: JSON.parse(String(body)) });
    if (answer === 'no answer') return Promise.reject(new Error('connection refused'));
    if (answer !== 'hangs') return Promise.resolve(answer());
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  };
  return heard;
}

const ok = () => new Response(null, { status: 204 });
const status = (code: number) => () => new Response('x'.repeat(1000), { status: code });
const redirect =
  (location: string, code = 307) =>
  () =>
    new Response(null, { status: code, headers: { location } });

/** The delivery of the job's newest end. */
const newest = (job: FakeJob) => job.record.deliveries.at(-1);

/** A job of three frames that has come to its end, and rests or waits for a try. */
async function ended(job: FakeJob, isolate: FakeIsolate): Promise<void> {
  await job.create(isolate, { frames: 3, webhookUrl });
  while (job.record.status !== 'completed') await job.wake(isolate);
}

describe('a webhook', () => {
  it('hears of the end of a video once, signed and complete', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(2);
      const heard = receiver(job, ok);
      await job.create(isolate, { frames: 3, webhookUrl });
      await job.run(isolate);
      const event = { object: 'event', type: 'video.completed', data: { id: 'video_0123' } };
      expect(heard).toEqual([
        { url: webhookUrl, id: 'evt_0123_0', event: { ...event, id: 'evt_0123_0', created_at: 1000 } },
      ]);
      expect(newest(job)).toMatchObject({ status: 'delivered', attempts: 1, nextAttemptAt: null });
      expect(job.alarm).toBe(job.record.expiresAt);
    }));

  it('hears of videos that failed or were cancelled, and of the new end of one that was extended', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(2);
      const heard = receiver(job, ok);
      isolate.backend.faults.beforeFrame = (index) => {
        if (index === 1) throw new Error('poisoned');
      };
      await job.create(isolate, { frames: 3, webhookUrl });
      await job.run(isolate);
      await job.command(isolate, { kind: 'extend', from: 1, frames: 2 });
      await job.command(isolate, { kind: 'cancel' });
      await job.run(isolate);
      isolate.backend.faults.beforeFrame = () => undefined;
      await job.command(isolate, {
        kind: 'extend',
        from: 1,
        frames: 2,
        webhookUrl: 'https://b.example.com/',
      });
      await job.run(isolate);
      expect(heard.map(({ event }) => event.type)).toEqual([
        'video.failed',
        'video.cancelled',
        'video.completed',
      ]);
      expect(new Set(heard.map(({ id }) => id)).size).toBe(3);
      expect(heard.at(-1)?.url).toBe('https://b.example.com/');
    }));

  it.each<[string, Answer, string]>([
    ['answers with an error', status(500), 'webhook_url answered with status 500; a status of 200'],
    ['is not there', 'no answer', 'webhook_url could not be reached'],
    ['moves with a GET', redirect('https://b.example.com/', 302), 'webhook_url answered with status 302'],
    [
      'redirects to a private address',
      redirect('http://127.0.0.1/'),
      'webhook_url redirects to a URL that is not',
    ],
    ['redirects in circles', redirect(webhookUrl), 'webhook_url redirects more than 3 times'],
  ])('that %s is told again under the same id, until it hears', (_, answer, error) =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, answer);
      await ended(job, isolate);
      await job.wake(isolate);
      expect(newest(job)).toMatchObject({ status: 'pending', attempts: 1 });
      expect(newest(job)?.lastError).toContain(error);
      expect(job.alarm).toBe(isolate.now + 15_000);
      const before = heard.length;
      job.fetch = async (url, init) => {
        heard.push({
          url,
          id: new Headers(init.headers).get('webhook-id'),
          event: JSON.parse(String(init.body)),
        });
        return ok();
      };
      isolate.now = job.alarm as number;
      await job.wake(isolate);
      expect(heard.length).toBe(before + 1);
      expect(heard.at(-1)).toEqual(heard[0]);
      expect(newest(job)).toMatchObject({ status: 'delivered', attempts: 2, lastError: null });
    }),
  );

  it('that never hears is given up after all tries, and the video expires all the same', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, status(503));
      await ended(job, isolate);
      const { expiresAt } = job.record;
      await job.run(isolate);
      expect(heard.length).toBe(limits.webhookAttempts);
      expect(newest(job)).toMatchObject({ status: 'failed', attempts: 8, nextAttemptAt: null });
      expect(job.record.expiresAt).toBe(expiresAt);
      expect(job.alarm).toBe(expiresAt);
    }));

  it('that has not heard keeps no video from expiring, and hears nothing afterwards', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, status(503));
      await ended(job, isolate);
      await job.wake(isolate);
      isolate.now = job.record.expiresAt as number;
      await job.wake(isolate);
      expect(job.record).toMatchObject({ status: 'expired', deliveries: [], webhookUrl: null });
      expect(job.alarm).toBeNull();
      expect(heard.length).toBe(1);
    }));

  it('that answers 410 hears no more', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, status(410));
      await ended(job, isolate);
      await job.run(isolate);
      expect(heard.length).toBe(1);
      expect(newest(job)).toMatchObject({ status: 'failed', attempts: 1 });
    }));

  it('that hangs is not waited for once the owner goes on with the video', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, 'hangs', ok);
      await ended(job, isolate);
      const began = Date.now();
      const hanging = job.wake(isolate);
      await eventually(() => expect(heard.length).toBe(1));
      await job.command(isolate, { kind: 'extend', from: 3, frames: 5 });
      await hanging;
      await job.run(isolate);
      expect(Date.now() - began).toBeLessThan(5000);
      expect(job.record).toMatchObject({ status: 'completed', cursor: 5 });
      // The end before is still told, and the new one, too.
      expect(heard.map(({ id }) => id).sort()).toEqual(['evt_0123_0', 'evt_0123_0', 'evt_0123_1']);
    }));

  it('that hangs holds up no other job, and its own for no longer than one try', async () => {
    const isolate = new FakeIsolate(5);
    const told = Promise.withResolvers<void>();
    let isHanging = true;
    const hung = inObject(async (job) => {
      const heard = receiver(job, 'hangs');
      await ended(job, isolate);
      const hanging = job.wake(isolate);
      await eventually(() => expect(heard.length).toBe(1));
      told.resolve();
      await hanging;
      isHanging = false;
      expect(newest(job)).toMatchObject({ status: 'pending', attempts: 1 });
      expect(newest(job)?.lastError).toContain('did not answer in time');
    });
    await told.promise;
    await inObject(async (job) => {
      await job.create(isolate, { frames: 3 });
      await job.run(isolate);
      expect(job.record.status).toBe('completed');
    });
    expect(isHanging).toBe(true);
    await hung;
  });

  it('hears what was committed before a crash, as often as it takes', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, 'hangs', ok);
      await ended(job, isolate);
      // Dead before anybody was told.
      await job.evict(isolate);
      void job.wake(isolate);
      await eventually(() => expect(heard.length).toBe(1));
      // Dead in the midst of telling: the try was counted.
      const later = new FakeIsolate(5);
      later.now = isolate.now;
      await job.evict(later);
      expect(newest(job)).toMatchObject({ status: 'pending', attempts: 1 });
      expect(job.alarm).toBe(isolate.now + 15_000);
      await job.run(later);
      expect(heard.map(({ id }) => id)).toEqual(['evt_0123_0', 'evt_0123_0']);
      expect(newest(job)).toMatchObject({ status: 'delivered', attempts: 2 });
    }));

  it('hears again when the owner wants it, at another URL, too', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, status(410), ok);
      await ended(job, isolate);
      await job.run(isolate);
      await job.command(isolate, { kind: 'notify', webhookUrl: 'https://b.example.com/' });
      await job.run(isolate);
      expect(heard.map(({ url, id }) => [url, id])).toEqual([
        [webhookUrl, 'evt_0123_0'],
        ['https://b.example.com/', 'evt_0123_0'],
      ]);
      expect(newest(job)).toMatchObject({ status: 'delivered' });
    }));

  it('is checked again at every try', () =>
    inObject(async (job) => {
      const isolate = new FakeIsolate(5);
      const heard = receiver(job, ok);
      await job.create(isolate, { frames: 3, webhookUrl: 'https://127.0.0.1/' });
      await job.run(isolate);
      expect(heard).toEqual([]);
      expect(newest(job)).toMatchObject({ status: 'failed', attempts: 8 });
      expect(newest(job)?.lastError).toContain('webhook_url must name a public host');
    }));

  it('changes nothing of the video', async () => {
    const calm = await calmHash({ frames: 3 });
    await inObject(async (job) => {
      const isolate = new FakeIsolate(1);
      receiver(job, status(500));
      await job.create(isolate, { frames: 3, webhookUrl });
      await job.run(isolate);
      expect(await job.videoHash()).toBe(calm);
    });
  });
});
