import type { PaymentRequirements } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { Failure } from '../contract/failure.ts';
import type { Payment } from '../contract/payment.ts';

/** Seconds that a payer has from the offer to the settlement. */
const validSeconds = 300;

/** By how much the clocks of payer and service may differ. */
const skewSeconds = 60;

/** What has to be left of a payment's time when it comes in, so that it can still be settled. */
const settlingSeconds = 10;

/** On which terms credits are sold. */
export interface SaleTerms {
  /** As CAIP-2 names it, such as `eip155:8453`. */
  readonly network: `eip155:${string}`;
  /** Address that is paid to. */
  readonly receiver: string;
  readonly creditsPerUsd: number;
}

/** Whole credits for an amount of money. */
export function creditsFor(usdCents: number, { creditsPerUsd }: SaleTerms): number {
  return Math.floor((usdCents * creditsPerUsd) / 100);
}

/**
 * What a payer is offered, in the dollar token that x402's own packages know for the network.
 * @throws Error where they know none that takes authorizations
 */
export async function paymentOffer(
  usdCents: number,
  { network, receiver }: SaleTerms,
): Promise<PaymentRequirements> {
  const { asset, amount, extra = {} } = await new ExactEvmScheme().parsePrice(usdCents / 100, network);
  if ('assetTransferMethod' in extra) throw new Error(`${network} has no token with authorizations`);
  return { scheme: 'exact', network, asset, amount, payTo: receiver, maxTimeoutSeconds: validSeconds, extra };
}

/**
 * Checks that a payment pays what was offered: all that can be seen without its signature being checked.
 * @throws Failure payment_mismatch
 */
export function checkPays({ accepted, payload }: Payment, offer: PaymentRequirements, now: number): void {
  const { to, value, validBefore } = payload.authorization;
  for (const [what, paid, offered] of [
    ['scheme', accepted.scheme, offer.scheme],
    ['network', accepted.network, offer.network],
    ['asset', accepted.asset, offer.asset],
    ['amount', accepted.amount, offer.amount],
    ['amount', value, offer.amount],
    ['receiver', accepted.payTo, offer.payTo],
    ['receiver', to, offer.payTo],
  ] as const) {
    if (paid.toLowerCase() === offered.toLowerCase()) continue;
    throw new Failure(
      'payment_mismatch',
      `The payment's ${what} is ${paid.slice(0, 60)}, and ${offered} was offered; pay the offer of this answer.`,
    );
  }
  if (Number(validBefore) > now / 1000 + validSeconds + skewSeconds) {
    throw new Failure(
      'payment_mismatch',
      `The payment is valid for more than ${validSeconds} seconds; end it at validBefore, as the offer says.`,
    );
  }
}

/** @throws Failure payment_expired */
export function checkInTime({ payload: { authorization } }: Payment, now: number): void {
  const { validAfter, validBefore } = authorization;
  if (Number(validBefore) < now / 1000 + settlingSeconds)
    throw new Failure(
      'payment_expired',
      `The payment ends within ${settlingSeconds} seconds, or has; nothing was taken, sign a new one.`,
    );
  if (Number(validAfter) > now / 1000)
    throw new Failure(
      'payment_expired',
      'The payment is not valid yet; sign one that is, from validAfter on.',
    );
}
