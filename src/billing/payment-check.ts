import type { Chain } from './chain.ts';
import type { PendingPayment } from './payment-book.ts';
import { creditPayment, type PaymentSurroundings } from './payments.ts';

/** Milliseconds after which a payment that is still pending is looked for in the chain, again and again. */
export const paymentCheckMilliseconds = 60_000;

/** Nodes behind one address differ, and the last blocks can change: that nothing was transferred counts only later. */
const finalSeconds = 600;

/**
 * Finds out what became of a payment whose settlement nobody heard the end of: a crash, or a facilitator that did not
 * answer. The chain decides: what was transferred is credited; what was not, and is too late to be, has failed.
 */
export async function checkPayment(
  payment: PendingPayment,
  { chain, book, ledgerOf }: Pick<PaymentSurroundings, 'book' | 'ledgerOf'> & { readonly chain: Chain },
): Promise<void> {
  const head = await chain.head();
  if (await chain.isPaid(payment, head)) return creditPayment(payment, { book, ledgerOf });
  // A transfer is made only in a block whose time is before validBefore.
  if (head.time >= Number(payment.authorization.validBefore) + finalSeconds)
    await book.end(payment.id, 'failed');
}
