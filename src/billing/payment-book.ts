import type { Authorization } from '../contract/payment.ts';

/** Where a payment stands. `failed`: the chain shows that it was never made, and it cannot be any more. */
export type PaymentState = 'pending' | 'credited' | 'failed';

/** A payment that was sent to be settled, or is about to be. */
export interface PendingPayment {
  readonly id: string;
  readonly authorization: Authorization;
  /** Address of the token. */
  readonly asset: string;
  /** Whose credits it buys. */
  readonly account: string;
  readonly credits: number;
  /** Of the chain before it was sent: if it is made, then after this one. */
  readonly blockNumber: number;
  /** Milliseconds since 1970. */
  readonly begunAt: number;
}

/** Every payment that was ever sent to be settled. */
export interface PaymentBook {
  isKnown(id: string): Promise<boolean>;
  /** Notes a payment as pending before it is sent; false where it is known. */
  begin(payment: PendingPayment): Promise<boolean>;
  /** Notes what became of it. */
  end(id: string, state: Exclude<PaymentState, 'pending'>): Promise<void>;
}

/** A token's authorizations are told apart by payer and nonce. */
export function paymentId(network: string, asset: string, { from, nonce }: Authorization): string {
  return `x402:${network}:${asset}:${from}:${nonce}`.toLowerCase();
}
