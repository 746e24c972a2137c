import { authorizationTypes } from '@x402/evm';
import { getAddress, type Hex, recoverTypedDataAddress } from 'viem';
import type { Authorization } from '../../src/contract/payment.ts';
import { MemoryChain } from './memory-chain.ts';

/** Base Sepolia and its USDC. */
export const network = 'eip155:84532' as const;
export const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
export const receiver = '0x1111111111111111111111111111111111111111';

/** What a facilitator does with a payment that it is told to settle. */
export type Behaviour =
  | 'settles'
  /** Answers that it did not, and did not. */
  | 'fails'
  /** Settles, and its answer is lost. */
  | 'settles, then breaks'
  /** Answers with an error, and did not settle. */
  | 'breaks'
  /** Settles, and never answers. */
  | 'settles, then hangs';

interface Asked {
  readonly paymentPayload: {
    readonly accepted: { readonly scheme: string; readonly network: string };
    readonly payload: { readonly signature: Hex; readonly authorization: Authorization };
  };
  readonly paymentRequirements: {
    readonly scheme: string;
    readonly network: string;
    readonly asset: string;
    readonly amount: string;
    readonly payTo: string;
    readonly extra: { readonly name: string; readonly version: string };
  };
}

/** A facilitator of x402 and a node of its chain over HTTP: real signatures, money in memory. */
export class LocalFacilitator {
  readonly chain: MemoryChain;
  behaviour: Behaviour = 'settles';
  /** Whether it answers at all. */
  isDown = false;
  /** Payments that it was told to settle. */
  settleCalls = 0;
  readonly #clock: () => number;

  /** @param clock Unix seconds */
  constructor(clock: () => number = () => Date.now() / 1000) {
    this.#clock = clock;
    this.chain = new MemoryChain(asset, () => Math.floor(clock()));
  }

  readonly send = async (request: Request): Promise<Response> => {
    if (this.isDown) return new Response('<h1>Bad gateway</h1>', { status: 502 });
    const body = (await request.json()) as Asked & { method: string; params: unknown[] };
    switch (new URL(request.url).pathname) {
      case '/verify':
        return Response.json(await this.#verified(body));
      case '/settle':
        return this.#settled(body);
      case '/node':
        return Response.json({ jsonrpc: '2.0', id: 1, result: this.chain.answer(body.method, body.params) });
      default:
        return new Response('not found', { status: 404 });
    }
  };

  async #verified(asked: Asked): Promise<{ isValid: boolean; invalidReason?: string; payer: string }> {
    const { authorization } = asked.paymentPayload.payload;
    const reason = await this.#problem(asked);
    const payer = authorization.from;
    return reason === null ? { isValid: true, payer } : { isValid: false, invalidReason: reason, payer };
  }

  /** What is wrong with a payment, as facilitators name it; null where nothing is. */
  async #problem({
    paymentPayload: { accepted, payload },
    paymentRequirements,
  }: Asked): Promise<string | null> {
    const { authorization, signature } = payload;
    const { scheme, network: wanted, amount, payTo } = paymentRequirements;
    const now = this.#clock();
    if (scheme !== 'exact' || accepted.scheme !== 'exact') return 'unsupported_scheme';
    if (wanted !== network || accepted.network !== network) return 'invalid_network';
    const signer = await signerOf(authorization, signature, paymentRequirements);
    if (signer?.toLowerCase() !== authorization.from.toLowerCase())
      return 'invalid_exact_evm_payload_signature';
    if (authorization.to.toLowerCase() !== payTo.toLowerCase())
      return 'invalid_exact_evm_payload_recipient_mismatch';
    if (BigInt(authorization.value) !== BigInt(amount))
      return 'invalid_exact_evm_payload_authorization_value';
    if (Number(authorization.validBefore) < now + 6)
      return 'invalid_exact_evm_payload_authorization_valid_before';
    if (Number(authorization.validAfter) > now) return 'invalid_exact_evm_payload_authorization_valid_after';
    if (this.chain.balance(authorization.from) < BigInt(amount)) return 'insufficient_funds';
    return this.chain.isUsed(authorization) ? 'invalid_exact_evm_nonce_already_used' : null;
  }

  async #settled(asked: Asked): Promise<Response> {
    this.settleCalls++;
    const { authorization } = asked.paymentPayload.payload;
    const about = { network, payer: authorization.from };
    if (this.behaviour === 'breaks') return new Response('<h1>Bad gateway</h1>', { status: 502 });
    const errorReason = this.behaviour === 'fails' ? 'transaction_failed' : await this.#problem(asked);
    if (errorReason !== null)
      return Response.json({ success: false, errorReason, transaction: '', ...about });
    const transaction = this.chain.transfer(authorization);
    if (this.behaviour === 'settles, then breaks')
      return new Response('<h1>Bad gateway</h1>', { status: 502 });
    if (this.behaviour === 'settles, then hangs') return new Promise(() => undefined);
    return Response.json({ success: true, transaction, ...about });
  }
}

/** Whose key signed; null for what is no signature at all. */
async function signerOf(
  authorization: Authorization,
  signature: Hex,
  { asset: token, network: chain, extra }: Asked['paymentRequirements'],
): Promise<string | null> {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  try {
    return await recoverTypedDataAddress({
      domain: {
        name: extra.name,
        version: extra.version,
        chainId: Number(chain.split(':')[1]),
        verifyingContract: getAddress(token),
      },
      types: authorizationTypes,
      primaryType: 'TransferWithAuthorization',
      message: {
        from: getAddress(from),
        to: getAddress(to),
        value: BigInt(value),
        validAfter: BigInt(validAfter),
        validBefore: BigInt(validBefore),
        nonce: nonce as Hex,
      },
      signature,
    });
  } catch {
    return null;
  }
}
