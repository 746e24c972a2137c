import { DurableObject } from 'cloudflare:workers';
import type { PaymentBook, PaymentState, PendingPayment } from '../billing/payment-book.ts';
import { paymentCheckMilliseconds } from '../billing/payment-check.ts';
import { PaymentStore } from './payment-store.ts';

/** Payments that one alarm looks into: each is three calls, and a request may make 1,000 on the smallest plan. */
const checkedAtOnce = 50;

/** What a part of the book takes from outside. */
export interface PaymentObjectSurroundings {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Looks for a payment in the chain, and ends it where that tells; null where the service sells nothing now. */
  readonly check: ((payment: PendingPayment) => Promise<void>) | null;
}

/** One part of the book of payments: those whose nonces begin alike. */
export abstract class PaymentObject<Env = unknown> extends DurableObject<Env> implements PaymentBook {
  readonly #store: PaymentStore;

  protected abstract surroundings(): PaymentObjectSurroundings;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new PaymentStore(context.storage);
  }

  async isKnown(id: string): Promise<boolean> {
    return this.#store.state(id) !== null;
  }

  /** It is on disk, and the alarm is set that looks into it, before anybody hears that it may be sent. */
  async begin(payment: PendingPayment): Promise<boolean> {
    if (this.#store.state(payment.id) !== null) return false;
    this.#store.insert(payment);
    await this.#arm();
    await this.ctx.storage.sync();
    return true;
  }

  async end(id: string, state: Exclude<PaymentState, 'pending'>): Promise<void> {
    this.#store.end(id, state);
  }

  /** A payment as it stands; null where it was never begun. */
  async state(id: string): Promise<PaymentState | null> {
    return this.#store.state(id);
  }

  /** Looks for payments whose settlement nobody heard the end of. */
  override async alarm(): Promise<void> {
    const { clock, check } = this.surroundings();
    const due = this.#store
      .pending(checkedAtOnce)
      .filter(({ begunAt }) => clock() - begunAt >= paymentCheckMilliseconds);
    // The chain may not answer; it is asked again with the next alarm.
    await Promise.allSettled(check === null ? [] : due.map(check));
    if (this.#store.pending(1).length > 0) await this.#arm();
  }

  async #arm(): Promise<void> {
    const { clock } = this.surroundings();
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(clock() + paymentCheckMilliseconds);
  }
}

/**
 * The book over sixteen Durable Objects, one for each first hex digit of a nonce: whatever strangers send, there are
 * never more objects.
 */
export function durablePaymentBook(payments: DurableObjectNamespace<PaymentObject>): PaymentBook {
  const part = (id: string) => {
    const digit = id.slice(id.lastIndexOf(':') + ':0x'.length)[0];
    return payments.get(payments.idFromName(`payments-${digit}`));
  };
  return {
    isKnown: (id) => part(id).isKnown(id),
    begin: (payment) => part(payment.id).begin(payment),
    end: (id, state) => part(id).end(id, state),
  };
}
