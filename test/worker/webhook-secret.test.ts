import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { migrate } from '../../src/job/schema-version.ts';
import { WebhookSecretStore, webhookSecretTable } from '../../src/job/webhook-secret-store.ts';

/** A fresh object, whose account would have tables of its own. */
function inStorage(test: (store: WebhookSecretStore) => void): Promise<void> {
  const stub = env.JOBS.get(env.JOBS.newUniqueId());
  return runInDurableObject(stub, (_, { storage }) => {
    migrate(storage, [webhookSecretTable]);
    test(new WebhookSecretStore(storage.sql));
  });
}

const hour = 3_600_000;

it('an account has one secret, made when it is first needed', () =>
  inStorage((store) => {
    const [secret] = store.signing(5000);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(store.current(9000)).toEqual({
      object: 'webhook_secret',
      secret,
      created_at: 5,
      previous_until: null,
    });
    expect(store.signing(9000)).toEqual([secret]);
  }));

it('a rotated secret signs beside the new one for a day', () =>
  inStorage((store) => {
    const first = store.current(0).secret;
    const { secret, previous_until } = store.rotate(hour);
    expect(secret).not.toBe(first);
    expect(previous_until).toBe(25 * 3600);
    expect(store.signing(25 * hour - 1)).toEqual([secret, first]);
    expect(store.signing(25 * hour)).toEqual([secret]);
    expect(store.current(25 * hour).previous_until).toBeNull();
  }));

it('a secret that is rotated twice is gone at once', () =>
  inStorage((store) => {
    const first = store.current(0).secret;
    store.rotate(1);
    store.rotate(2);
    expect(store.signing(3)).toHaveLength(2);
    expect(store.signing(3)).not.toContain(first);
  }));
