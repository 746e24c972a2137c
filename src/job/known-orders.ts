import type { Ticket } from '../billing/claims.ts';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { AccountObject } from './account-object.ts';
import type { NamedJob } from './job-directory.ts';

/** What a job, asked by its account, says of an order. */
export interface AskedJob {
  knowsHold(hold: number): Promise<boolean>;
  /** Null where the job has been removed. @throws Failure job_expired */
  view(): Promise<NamedJob | null>;
}

/** The orders that an account knows again. */
export interface KnownOrders {
  /** The answer to an order that was sent before; null where it has to be carried out. */
  recall(ticket: Ticket): Promise<NamedJob | null>;
  /** Notes what an order is answered with; returns the answer to give. */
  note(ticket: Ticket | null, hold: number, job: NamedJob): Promise<NamedJob>;
}

/** @param asked the job of an id */
export function knownOrders(
  account: () => Pick<DurableObjectStub<AccountObject>, 'recall' | 'noteAnswer' | 'drop'>,
  asked: (id: string) => AskedJob,
): KnownOrders {
  const note = async (ticket: Ticket | null, hold: number, job: NamedJob): Promise<NamedJob> => {
    if (ticket === null || ticket.key === null) return job;
    const order = { key: ticket.key, jobId: job.id, hold };
    return JSON.parse(await account().noteAnswer(order, JSON.stringify(job))) as NamedJob;
  };
  return {
    note,
    async recall(ticket) {
      const known = await account().recall(ticket);
      if (known === null) return null;
      if (known.state === 'reused') throw reused();
      if (known.state === 'answered') return JSON.parse(known.answer) as NamedJob;
      const { jobId, hold, isUsed, isGivenUp } = known;
      const job = asked(jobId);
      if (isUsed || (await job.knowsHold(hold))) {
        const view = await job.view();
        if (view === null) throw removed(jobId);
        return note(ticket, hold, view);
      }
      if (!isGivenUp) throw inProgress();
      await account().drop(jobId, hold);
      return null;
    },
  };
}

function reused(): Failure {
  return new Failure(
    'idempotency_reused',
    `Something else was ordered under this Idempotency-Key in the last ${limits.idempotencyHours} hours; send another key, or the same request.`,
    'idempotency-key',
  );
}

function inProgress(): Failure {
  return new Failure(
    'idempotency_in_progress',
    'The same order is being carried out; send it again in a second, with the same key, for its answer. An order that a crash broke off can be carried out again after half a minute.',
  );
}

function removed(id: string): Failure {
  return new Failure(
    'job_not_found',
    `Video ${id}, which was ordered by this request before, has been removed; send another Idempotency-Key to order again.`,
  );
}
