import { encodeAbiParameters, type Hex, keccak256, pad, toHex, zeroHash } from 'viem';
import type { Authorization } from '../../src/contract/payment.ts';

interface LogEntry {
  readonly address: string;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly transactionHash: Hex;
  readonly logIndex: number;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

const topics = {
  used: keccak256(toHex('AuthorizationUsed(address,bytes32)')),
  canceled: keccak256(toHex('AuthorizationCanceled(address,bytes32)')),
  transfer: keccak256(toHex('Transfer(address,address,uint256)')),
};

/** A dollar token on a chain of its own, as ERC-20 and ERC-3009 have it; every transaction is one block. */
export class MemoryChain {
  readonly balances = new Map<string, bigint>();
  readonly #logs: LogEntry[] = [];
  readonly #used = new Set<string>();
  readonly #token: string;
  readonly #clock: () => number;
  #blockNumber = 1_000;
  #nextIndex = 0;

  /** @param clock Unix seconds */
  constructor(token: string, clock: () => number) {
    this.#token = token.toLowerCase();
    this.#clock = clock;
  }

  balance(address: string): bigint {
    return this.balances.get(address.toLowerCase()) ?? 0n;
  }

  fund(address: string, amount: bigint): void {
    this.balances.set(address.toLowerCase(), this.balance(address) + amount);
  }

  isUsed({ from, nonce }: Pick<Authorization, 'from' | 'nonce'>): boolean {
    return this.#used.has(`${from}${nonce}`.toLowerCase());
  }

  /**
   * Carries out an authorization whose signature was checked, in a transaction of its own.
   * @throws Error where the token would revert
   */
  transfer(authorization: Authorization): Hex {
    const { from, to, value, validAfter, validBefore } = authorization;
    const now = this.#clock();
    const amount = BigInt(value);
    if (this.isUsed(authorization)) throw new Error('authorization is used or canceled');
    if (now >= Number(validBefore) || now <= Number(validAfter)) throw new Error('not valid now');
    if (this.balance(from) < amount) throw new Error('transfer amount exceeds balance');
    const transaction = this.#begin();
    this.#use(authorization, topics.used, transaction);
    this.fund(from, -amount);
    this.fund(to, amount);
    this.#log(
      transaction,
      [topics.transfer, word(from), word(to)],
      encodeAbiParameters([{ type: 'uint256' }], [amount]),
    );
    return transaction;
  }

  /** The payer takes an authorization back. */
  cancel(authorization: Authorization): void {
    this.#use(authorization, topics.canceled, this.#begin());
  }

  /** What a node answers: the last block, and events by address, block and topics. */
  answer(method: string, [filter]: readonly unknown[]): unknown {
    if (method === 'eth_getBlockByNumber')
      return { number: toHex(this.#blockNumber), timestamp: toHex(this.#clock()) };
    if (method !== 'eth_getLogs') throw new Error(`the node does not know ${method}`);
    return this.#logs
      .filter((entry) => matches(entry, filter as Filter))
      .map((entry) => ({ ...entry, blockNumber: toHex(entry.blockNumber), logIndex: toHex(entry.logIndex) }));
  }

  #begin(): Hex {
    this.#blockNumber++;
    this.#nextIndex = 3;
    return keccak256(toHex(`transaction ${this.#blockNumber}`));
  }

  #use({ from, nonce }: Authorization, event: Hex, transaction: Hex): void {
    this.#used.add(`${from}${nonce}`.toLowerCase());
    this.#log(transaction, [event, word(from), nonce as Hex], '0x');
  }

  #log(transactionHash: Hex, of: readonly Hex[], data: Hex): void {
    const blockNumber = this.#blockNumber;
    const blockHash = keccak256(toHex(`block ${blockNumber}`));
    const logIndex = this.#nextIndex++;
    this.#logs.push({
      address: this.#token,
      blockNumber,
      blockHash,
      transactionHash,
      logIndex,
      topics: of,
      data,
    });
  }
}

interface Filter {
  readonly address: string;
  readonly topics: readonly string[];
  readonly blockHash?: string;
  readonly fromBlock?: Hex;
  readonly toBlock?: Hex;
}

function matches(
  entry: LogEntry,
  { address, topics: wanted, blockHash, fromBlock, toBlock }: Filter,
): boolean {
  return (
    entry.address === address.toLowerCase() &&
    wanted.every((topic, index) => topic.toLowerCase() === entry.topics[index]?.toLowerCase()) &&
    (blockHash === undefined
      ? entry.blockNumber >= Number(fromBlock ?? zeroHash) && entry.blockNumber <= Number(toBlock ?? zeroHash)
      : entry.blockHash === blockHash)
  );
}

function word(address: string): Hex {
  return pad(address.toLowerCase() as Hex);
}
