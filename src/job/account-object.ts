import { DurableObject } from 'cloudflare:workers';
import { AccountStore, type JobPage, type PageRequest } from './account-store.ts';

/** Name of the only account there is so far. */
export const localAccount = 'local';

/** What belongs to one account: for now, the index of its jobs. */
export class AccountObject<Env = unknown> extends DurableObject<Env> {
  readonly #store: AccountStore;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    this.#store = new AccountStore(context.storage.sql);
  }

  /** Notes a job, before it is created: a crash in between leaves an entry without a job, never the reverse. */
  async add(jobId: string): Promise<void> {
    this.#store.add(jobId);
  }

  async remove(jobIds: string[]): Promise<void> {
    this.#store.remove(jobIds);
  }

  /** One page of job ids in the order of creation or its reverse; null where `after` is not a job of the account. */
  async page(request: PageRequest): Promise<JobPage | null> {
    return this.#store.page(request);
  }
}
