import { OpenAI } from 'openai';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newWebhookSecret, signatureHeaders } from '../../src/outbound/webhook-signature.ts';

const secret = newWebhookSecret((length) => crypto.getRandomValues(new Uint8Array(length)));
const other = newWebhookSecret((length) => new Uint8Array(length).fill(7));
const timestamp = () => Math.floor(Date.now() / 1000);
const event = {
  id: 'evt_1',
  object: 'event',
  type: 'video.completed',
  created_at: 1,
  data: { id: 'video_ü' },
};
const body = JSON.stringify(event);
const signed = (at = timestamp(), secrets = [secret]) =>
  signatureHeaders({ id: event.id, timestamp: at, body }, secrets);

describe('the signature of a webhook', () => {
  it('is what the example of the standard says', async () => {
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
    };
    const headers = await signatureHeaders(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']);
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is taken by the package openai, unchanged', async () => {
    const { webhooks } = new OpenAI({ apiKey: 'unused' });
    expect(await webhooks.unwrap(body, await signed(), secret)).toEqual(event);
    await expect(webhooks.unwrap(body, await signed(), other)).rejects.toThrow();
    await expect(
      webhooks.unwrap(body.replace('completed', 'failed'), await signed(), secret),
    ).rejects.toThrow();
    await expect(webhooks.unwrap(body, await signed(timestamp() - 3600), secret)).rejects.toThrow();
  });

  it('is taken by the package standardwebhooks, with either secret after a rotation', async () => {
    const headers = await signed(timestamp(), [secret, other]);
    expect(new Webhook(secret).verify(body, headers)).toEqual(event);
    expect(new Webhook(other).verify(body, headers)).toEqual(event);
    expect(() =>
      new Webhook(newWebhookSecret((length) => new Uint8Array(length))).verify(body, headers),
    ).toThrow();
  });
});
