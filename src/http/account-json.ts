import type { Account } from '../contract/account.ts';
import type { Services } from './services.ts';

/** An account on the wire. */
export async function accountJson({ ledgerOf }: Services, account: string): Promise<Account> {
  const { purchased, available, held, spent } = await ledgerOf(account).balance();
  return { id: account, object: 'account', balance: { purchased, available, held, spent } };
}
