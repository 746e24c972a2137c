import {
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
} from '@x402/core/http';
import type { PaymentRequirements } from '@x402/core/types';
import type { Context } from 'hono';
import { z } from 'zod';
import type { Paid, Payments } from '../billing/payments.ts';
import type { Caller } from '../contract/access.ts';
import type { ToppedUpAccount } from '../contract/account.ts';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { Payment } from '../contract/payment.ts';
import { accountJson } from './account-json.ts';
import { failureResponse } from './error-response.ts';
import type { ServiceEnvironment } from './services.ts';

type Asked = Context<ServiceEnvironment>;

export const PaymentHeaders = z.object({
  'payment-signature': z.string().optional().describe('A payment by x402, as client packages write it.'),
});

/**
 * Sells credits by x402, version 2: a request without a payment is answered with an offer, one with a payment of that
 * offer with the account, and where there is no key with a key of the payer's account.
 */
export async function sellCredits(
  context: Asked,
  payments: Payments,
  header: string | undefined,
  usdCents: number = limits.topupUsdCents.minimum,
): Promise<Response> {
  const offer = await payments.offer(usdCents);
  const caller: Caller | undefined = context.var.caller;
  try {
    if (header === undefined) throw required(usdCents);
    return await sold(
      context,
      await payments.take(paymentOf(header), offer, usdCents, caller?.account ?? null),
    );
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 402) throw error;
    context.error = error;
    return failureResponse(error, offerHeaders(context, offer, error));
  }
}

function required(usdCents: number): Failure {
  return new Failure(
    'payment_required',
    `Credits for ${(usdCents / 100).toFixed(2)} USD are offered in the header payment-required; pay with a client of x402, or send a key.`,
  );
}

/** @throws Failure payment_invalid */
function paymentOf(header: string): Payment {
  try {
    return Payment.parse(decodePaymentSignatureHeader(header));
  } catch {
    throw new Failure(
      'payment_invalid',
      'The header payment-signature must hold a payment of x402, version 2, scheme "exact", with an authorization (EIP-3009), as JSON in base64.',
    );
  }
}

async function sold({ env, var: found }: Asked, { account, credits, settlement }: Paid): Promise<Response> {
  const caller: Caller | undefined = found.caller;
  const { network, transaction } = settlement;
  const answer: ToppedUpAccount = {
    ...(await accountJson(env, account)),
    payment: { credits, network, transaction },
  };
  if (caller === undefined) {
    const { key } = await env.keys.create({ account, name: 'x402', scopes: ['read', 'generate'] });
    answer.key = key;
  }
  return Response.json(answer, { headers: { 'payment-response': encodePaymentResponseHeader(settlement) } });
}

function offerHeaders({ req }: Asked, offer: PaymentRequirements, { code }: Failure): Record<string, string> {
  const resource = { url: req.url, description: 'Credits for videos', mimeType: 'application/json' };
  const required = { x402Version: 2, error: code, resource, accepts: [offer] };
  return { 'payment-required': encodePaymentRequiredHeader(required) };
}
