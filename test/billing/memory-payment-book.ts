import type { PaymentBook, PaymentState, PendingPayment } from '../../src/billing/payment-book.ts';

/** Payments in memory. */
export class MemoryPaymentBook implements PaymentBook {
  readonly payments = new Map<string, PendingPayment & { state: PaymentState }>();

  get pending(): PendingPayment[] {
    return [...this.payments.values()].filter(({ state }) => state === 'pending');
  }

  get states(): PaymentState[] {
    return Array.from(this.payments.values(), ({ state }) => state);
  }

  async isKnown(id: string) {
    return this.payments.has(id);
  }

  async begin(payment: PendingPayment) {
    if (this.payments.has(payment.id)) return false;
    this.payments.set(payment.id, { ...payment, state: 'pending' });
    return true;
  }

  async end(id: string, state: PaymentState) {
    const payment = this.payments.get(id);
    if (payment?.state === 'pending') this.payments.set(id, { ...payment, state });
  }
}
