import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import type { Delivery } from '../../src/contract/webhook.ts';
import { deliver } from '../../src/job/webhook-delivery.ts';
import { newWebhookSecret } from '../../src/outbound/webhook-signature.ts';

const secret = newWebhookSecret((length) => crypto.getRandomValues(new Uint8Array(length)));
const otherSecret = newWebhookSecret((length) => crypto.getRandomValues(new Uint8Array(length)));

const receiver = spawn(process.execPath, ['examples/webhook-receiver.mjs'], {
  env: { ...process.env, PORT: '0', WEBHOOK_SECRET: secret },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
const nextLine = async () => String((await lines.next()).value);
const port = /\d+/.exec(await nextLine())?.[0];

afterAll(async () => {
  receiver.kill();
  await once(receiver, 'exit');
});

/** One try of the service, with the example behind a public name. */
function told(epoch: number, secrets: string[], clock: () => number = Date.now) {
  const delivery: Delivery = {
    ...{ epoch, type: 'video.completed', endedAt: 5000, status: 'pending' },
    ...{ attempts: 1, nextAttemptAt: null, lastError: null },
  };
  const url = 'https://hooks.example.com/videos';
  const interruption = new AbortController().signal;
  return deliver(
    { videoId: 'video_12', url, delivery, interruption },
    {
      fetch: (asked, init) =>
        fetch(asked.replace('https://hooks.example.com', `http://127.0.0.1:${port}`), init),
      clock,
      log: () => undefined,
      secrets: async () => secrets,
    },
  );
}

it('the receiver in examples takes what the service signs, each event once, and nothing else', async () => {
  expect(await told(0, [secret])).toEqual({ kind: 'delivered' });
  expect(await told(0, [secret])).toEqual({ kind: 'delivered' });
  const refused = { kind: 'refused', isFinal: false, error: expect.stringContaining('status 400') };
  expect(await told(1, [otherSecret])).toEqual(refused);
  expect(await told(1, [secret], () => Date.now() - 3_600_000)).toEqual(refused);
  expect(await told(2, [otherSecret, secret])).toEqual({ kind: 'delivered' });
  expect([await nextLine(), await nextLine()]).toEqual([
    'video.completed video_12',
    'video.completed video_12',
  ]);
});
