import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { network } from './local-facilitator.ts';

type Send = (request: Request) => Promise<Response>;

/** Somebody with a wallet, who pays with the stock client packages. */
export class Payer {
  readonly #wallet = privateKeyToAccount(generatePrivateKey());
  readonly #scheme = new ExactEvmScheme(this.#wallet);

  get address(): string {
    return this.#wallet.address;
  }

  /** The name of the payer's account. */
  get account(): string {
    return this.address.toLowerCase();
  }

  /** `fetch` that pays where it is asked to. */
  fetch(send: Send): (url: string, init?: RequestInit) => Promise<Response> {
    const fetched = (input: RequestInfo | URL, init?: RequestInit) => send(new Request(input, init));
    const config = { schemes: [{ network, client: this.#scheme }] };
    return wrapFetchWithPaymentFromConfig(fetched as typeof fetch, config);
  }

  /** A signed payment of what a refusal offers. */
  async payment(refused: Response, changes: Partial<PaymentRequirements> = {}): Promise<PaymentPayload> {
    const accepted = { ...offerOf(refused), ...changes };
    const { payload } = await this.#scheme.createPaymentPayload(2, accepted);
    return { x402Version: 2, accepted, payload: payload as PaymentPayload['payload'] };
  }
}

export function offerOf(refused: Response): PaymentRequirements {
  const header = refused.headers.get('payment-required');
  if (header === null) throw new Error(`${refused.status} offers nothing`);
  return decodePaymentRequiredHeader(header).accepts[0] as PaymentRequirements;
}

export function paying(payment: PaymentPayload): Record<string, string> {
  return { 'payment-signature': encodePaymentSignatureHeader(payment) };
}
