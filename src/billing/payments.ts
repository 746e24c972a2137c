import { HTTPFacilitatorClient } from '@x402/core/http';
import type { PaymentRequirements, SettleResponse } from '@x402/core/types';
import { Failure } from '../contract/failure.ts';
import type { Payment } from '../contract/payment.ts';
import type { AccountLedger } from './account-ledger.ts';
import type { Chain } from './chain.ts';
import { type PaymentBook, type PendingPayment, paymentId } from './payment-book.ts';
import { checkInTime, checkPays, creditsFor, paymentOffer, type SaleTerms } from './payment-offer.ts';

/** For each of the two calls that a payment takes. */
const facilitatorMilliseconds = 30_000;

/** What a facilitator does of x402: it checks a payment, and carries it out. */
type Facilitator = Pick<HTTPFacilitatorClient, 'verify' | 'settle'>;

/** What payments work with. */
export interface PaymentSurroundings {
  readonly terms: SaleTerms;
  readonly facilitator: Facilitator;
  readonly chain: Chain;
  readonly book: PaymentBook;
  readonly ledgerOf: (account: string) => Pick<AccountLedger, 'credit'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** A payment that was made and credited. */
export interface Paid {
  readonly account: string;
  readonly credits: number;
  readonly settlement: SettleResponse;
}

/** Credits for money, by x402. */
export interface Payments {
  offer(usdCents: number): Promise<PaymentRequirements>;
  /**
   * Takes a payment of an offer, once.
   * @param account whose credits it buys; null = those of the payer's address
   * @throws Failure payment_mismatch, payment_replayed, payment_expired, payment_refused, payment_unavailable,
   *   payment_pending
   */
  take(payment: Payment, offer: PaymentRequirements, usdCents: number, account: string | null): Promise<Paid>;
}

/** A facilitator over HTTP. */
export function httpFacilitator(url: string, token: string | undefined): Facilitator {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new HTTPFacilitatorClient({
    url,
    timeoutMs: facilitatorMilliseconds,
    createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: headers }),
  });
}

export function payments(surroundings: PaymentSurroundings): Payments {
  const { terms, facilitator, book, ledgerOf, clock } = surroundings;
  return {
    offer: (usdCents) => paymentOffer(usdCents, terms),
    async take(payment, offer, usdCents, account) {
      checkPays(payment, offer, clock());
      const { authorization } = payment.payload;
      const id = paymentId(offer.network, offer.asset, authorization);
      if (await book.isKnown(id)) throw replayed();
      checkInTime(payment, clock());
      const sent = { x402Version: 2, accepted: offer, payload: payment.payload };
      const { blockNumber, problem } = await checked(surroundings, sent, offer);
      // A copy may have been carried out meanwhile, so that this one cannot.
      if (problem !== null) throw (await book.isKnown(id)) ? replayed() : refused(problem);
      const pending: PendingPayment = {
        id,
        authorization,
        asset: offer.asset,
        account: account ?? authorization.from.toLowerCase(),
        credits: creditsFor(usdCents, terms),
        blockNumber,
        begunAt: clock(),
      };
      if (!(await book.begin(pending))) throw replayed();
      const settlement = await settled(facilitator, sent, offer);
      await creditPayment(pending, { book, ledgerOf });
      return { account: pending.account, credits: pending.credits, settlement };
    },
  };
}

/** Adds the credits of a payment that was made. Saying it again changes nothing. */
export async function creditPayment(
  { id, account, credits }: PendingPayment,
  { book, ledgerOf }: Pick<PaymentSurroundings, 'book' | 'ledgerOf'>,
): Promise<void> {
  await ledgerOf(account).credit(id, credits);
  await book.end(id, 'credited');
}

type Sent = Parameters<Facilitator['verify']>[0];

/** The number of the chain's last block, and why a payment cannot be carried out; null where it can. */
async function checked(
  { facilitator, chain }: PaymentSurroundings,
  sent: Sent,
  offer: PaymentRequirements,
): Promise<{ blockNumber: number; problem: string | null }> {
  try {
    // The block comes first: a payment that is good afterwards was not made before it.
    const { blockNumber } = await chain.head();
    return { blockNumber, problem: await verdictOf(facilitator, sent, offer) };
  } catch {
    throw new Failure(
      'payment_unavailable',
      'Payments cannot be checked at the moment; nothing was taken, ask again in a minute.',
    );
  }
}

/** Null where all is well, else why not. */
async function verdictOf(
  facilitator: Facilitator,
  sent: Sent,
  offer: PaymentRequirements,
): Promise<string | null> {
  const { isValid, invalidReason } = await facilitator.verify(sent, offer).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'VerifyError')
      return { isValid: false, invalidReason: (error as { invalidReason?: string }).invalidReason };
    throw error;
  });
  return isValid ? null : plain(invalidReason);
}

/** A reason as facilitators name it; their free text stays with them. */
function plain(reason: string | undefined): string {
  return /^[a-z0-9_]{1,80}$/.exec(reason ?? '')?.[0] ?? 'no reason was given';
}

/** Whatever is no success may still have been one: the chain tells, later. */
async function settled(
  facilitator: Facilitator,
  sent: Sent,
  offer: PaymentRequirements,
): Promise<SettleResponse> {
  const settlement = await facilitator.settle(sent, offer).catch(() => null);
  if (settlement?.success) return settlement;
  throw new Failure(
    'payment_pending',
    'It is not known yet whether the payment was made; if it was, its credits are added within a few minutes. Look at the balance before you pay again.',
  );
}

function refused(problem: string): Failure {
  return new Failure(
    'payment_refused',
    `The payment cannot be carried out: ${problem}. Nothing was taken; check the signature and the funds.`,
  );
}

function replayed(): Failure {
  return new Failure(
    'payment_replayed',
    'This payment was sent before, and counts once; sign a new one to buy more.',
  );
}
