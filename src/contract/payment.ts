import { z } from 'zod';

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

const amount = z.string().regex(/^(0|[1-9]\d{0,38})$/);

const unixSeconds = z.string().regex(/^(0|[1-9]\d{0,14})$/);

/** An order to transfer tokens that whoever has it can carry out once (ERC-3009, TransferWithAuthorization). */
export const Authorization = z.strictObject({
  from: address,
  to: address,
  /** In the token's smallest unit. */
  value: amount,
  validAfter: unixSeconds,
  /** The first second in which it is not valid any more. */
  validBefore: unixSeconds,
  /** 32 bytes of the payer's choice, used once. */
  nonce: z.string().regex(/^0x[0-9a-fA-F]{64}$/),
});
export type Authorization = z.infer<typeof Authorization>;

/** What the header payment-signature holds: a payment by x402, version 2, scheme `exact`. */
export const Payment = z.object({
  x402Version: z.literal(2),
  /** The offer as the payer understood it. */
  accepted: z.object({
    scheme: z.string(),
    network: z.string(),
    asset: z.string(),
    amount: z.string(),
    payTo: z.string(),
  }),
  payload: z.strictObject({
    /** Of smart wallets it is longer than the 65 bytes of a key's. */
    signature: z.string().regex(/^0x[0-9a-fA-F]{2,8000}$/),
    authorization: Authorization,
  }),
});
export type Payment = z.infer<typeof Payment>;
