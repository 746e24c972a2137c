import { z } from 'zod';
import type { PendingPayment } from './payment-book.ts';

/** keccak-256 of `AuthorizationUsed(address,bytes32)` (ERC-3009). */
const authorizationUsed = '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5';

/** keccak-256 of `Transfer(address,address,uint256)` (ERC-20). */
const transfer = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** More than any chain makes while a payment is valid, and no more than public nodes search at a time. */
const searchedBlocks = 2000;

const callMilliseconds = 10_000;

/** The last block of a chain. */
interface Head {
  readonly blockNumber: number;
  /** Unix seconds. */
  readonly time: number;
}

/** What of a chain can be read. */
export interface Chain {
  head(): Promise<Head>;
  /** Whether a payment was made: its very authorization used, and all of it transferred. */
  isPaid(payment: PendingPayment, head: Head): Promise<boolean>;
}

const Quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,13}$/)
  .transform(Number);

const Block = z.object({ number: Quantity, timestamp: Quantity });

const Entries = z.array(
  z.object({
    blockHash: z.string(),
    transactionHash: z.string(),
    logIndex: Quantity,
    data: z.string(),
  }),
);

/** A chain of the kind of Ethereum, read over JSON-RPC. Every call throws where the node does not answer as it should. */
export function ethereumChain(url: string): Chain {
  const logs = async (filter: object) => Entries.parse(await call(url, 'eth_getLogs', [filter]));
  return {
    async head() {
      const { number, timestamp } = Block.parse(await call(url, 'eth_getBlockByNumber', ['latest', false]));
      return { blockNumber: number, time: timestamp };
    },
    async isPaid({ asset: address, authorization, blockNumber }, head) {
      const { from, to, nonce, value } = authorization;
      const last = Math.min(head.blockNumber, blockNumber + searchedBlocks - 1);
      const range = { fromBlock: hex(blockNumber), toBlock: hex(Math.max(blockNumber, last)) };
      const [used] = await logs({ address, ...range, topics: [authorizationUsed, topic(from), nonce] });
      if (used === undefined) return false;
      // The payer may have used the nonce for another transfer. Of this one the token tells right afterwards.
      const { blockHash, transactionHash, logIndex } = used;
      const transfers = await logs({ address, blockHash, topics: [transfer, topic(from), topic(to)] });
      return transfers.some(
        (entry) =>
          entry.transactionHash === transactionHash &&
          entry.logIndex === logIndex + 1 &&
          BigInt(entry.data) === BigInt(value),
      );
    },
  };
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(callMilliseconds),
  });
  const body = (await answer.json()) as { result?: unknown };
  if (!answer.ok || body.result == null)
    throw new Error(`the chain's node answers ${method} with ${answer.status}`);
  return body.result;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** An address as events are found by. */
function topic(address: string): string {
  return `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
}
