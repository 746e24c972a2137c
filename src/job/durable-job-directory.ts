import type { Ticket } from '../billing/claims.ts';
import type { HoldRefusal } from '../billing/holds.ts';
import { type Price, totalCredits } from '../billing/price.ts';
import { Failure } from '../contract/failure.ts';
import type { AccountObject } from './account-object.ts';
import type { Reached } from './crash-point.ts';
import type { Refusal } from './job-changes.ts';
import type { Command, JobDirectory, JobView, NamedJob, NewJob } from './job-directory.ts';
import type { Answer, JobObject } from './job-object.ts';
import type { Order } from './job-record.ts';
import { knownOrders } from './known-orders.ts';
import { extensionPrice, newJobPrice } from './order-price.ts';
import { isFinished } from './state-table.ts';

const prefix = 'video_';

/** The kinds of objects that videos are spread over. */
export interface JobNamespaces {
  readonly jobs: DurableObjectNamespace<JobObject>;
  readonly accounts: DurableObjectNamespace<AccountObject>;
}

/**
 * The directory of an account over Durable Objects. A public id is the object's own id, which the runtime has signed: an id that
 * it did not give out names no object, so asking for it creates none.
 */
export function durableJobDirectory(
  { jobs, accounts }: JobNamespaces,
  owner: string,
  reached?: Reached,
): JobDirectory {
  const account = () => accounts.get(accounts.idFromName(owner));
  const found = async (id: string): Promise<NamedJob | null> => {
    const view = visible(id, await jobStub(jobs, id)?.view(owner));
    return view === null ? null : { ...view, id };
  };
  const known = knownOrders(account, (id) => ({
    knowsHold: async (hold) => (await jobStub(jobs, id)?.knowsHold(hold)) ?? false,
    view: () => found(id),
  }));
  /** Null where another request with the same ticket was faster. */
  const opened = async (id: string, price: Price, ticket: Ticket | null) => {
    const order = await account().open(id, price, ticket);
    if ('refused' in order && order.refused === 'claimed') return null;
    if ('refused' in order) throw noHold(order, price);
    await reached?.('hold-opened');
    return order;
  };
  /** What the job makes of an order; a hold that it does not go by ends. */
  const ordered = async (id: string, { hold }: Order, answer: PromiseLike<Answer<JobView> | Refusal>) => {
    // Where no answer comes, the account asks the job by itself, later.
    const view = await answer;
    await reached?.('ordered');
    if (view === null || typeof view === 'string') await account().drop(id, hold);
    return view;
  };
  const noted = async (ticket: Ticket | null, hold: number, job: NamedJob) => {
    const answer = await known.note(ticket, hold, job);
    if (ticket?.key != null) await reached?.('answer-noted');
    return answer;
  };
  const extended = async (
    id: string,
    stub: DurableObjectStub<JobObject>,
    extend: Extract<Command, { kind: 'extend' }>,
    ticket: Ticket | null,
  ): Promise<Answer<JobView> | Refusal> => {
    const { frameCredits, ...command } = extend;
    const view = visible(id, await stub.view(owner));
    if (view === null) return null;
    // Most that would be refused is refused before a hold is opened for it.
    if (!isFinished(view.status) || view.committedFrames !== command.from)
      throw refusal(id, 'job_not_finished');
    const order = await opened(id, extensionPrice(extend, view), ticket);
    if (order === null) return (await known.recall(ticket as Ticket)) ?? extended(id, stub, extend, ticket);
    const answer = await ordered(id, order, stub.command(owner, { ...command, order }));
    return answer === null || typeof answer === 'string'
      ? answer
      : noted(ticket, order.hold, { ...answer, id });
  };
  const created = async (job: NewJob, ticket: Ticket | null): Promise<NamedJob> => {
    const objectId = jobs.newUniqueId();
    const id = publicId(objectId);
    const order = await opened(id, newJobPrice(job), ticket);
    if (order === null) return (await known.recall(ticket as Ticket)) ?? created(job, ticket);
    const view = await ordered(id, order, jobs.get(objectId).create({ ...job, account: owner }, order));
    if (view === null || typeof view === 'string') throw new Error(`job ${id} was not created: ${view}`);
    return noted(ticket, order.hold, { ...view, id });
  };
  const listed = async (id: string): Promise<NamedJob | null> => {
    const view = await jobStub(jobs, id)?.view(owner);
    return view == null || view === 'expired' ? null : { ...(view as JobView), id };
  };
  return {
    recall: known.recall,
    create: (job, ticket) => created(job, ticket ?? null),
    find: found,
    async list(request) {
      // Entries without a job are left out, and stay, as theirs may be about to be created; more are read instead.
      for (let count = request.limit; ; count *= 2) {
        const page = await account().page({ ...request, limit: count });
        if (page === null) return null;
        const views = await Promise.all(page.jobIds.map((id) => listed(id)));
        const found = views.filter((view) => view !== null);
        const shown = found.slice(0, request.limit);
        if (shown.length === request.limit || !page.hasMore)
          return { jobs: shown, hasMore: page.hasMore || found.length > shown.length };
      }
    },
    async frames(id, from, count) {
      return visible(id, await jobStub(jobs, id)?.frames(owner, from, count));
    },
    async news(id, from, known, waitMs) {
      const news = visible(id, await jobStub(jobs, id)?.news(owner, from, known, waitMs));
      return news === null ? null : { job: { ...news.view, id }, frames: news.frames };
    },
    async command(id, command, ticket) {
      const stub = jobStub(jobs, id);
      if (stub === null) return null;
      const answer =
        command.kind === 'extend'
          ? await extended(id, stub, command, ticket ?? null)
          : await stub.command(owner, command);
      if (typeof answer === 'string' && answer !== 'expired') throw refusal(id, answer);
      const view = visible(id, answer);
      return view === null ? null : { ...view, id };
    },
    async remove(id) {
      return (await jobStub(jobs, id)?.remove(owner)) ?? false;
    },
    webhookSecret: () => account().webhookSecret(),
    rotateWebhookSecret: () => account().rotateWebhookSecret(),
  };
}

/** The public id of a job's object. */
export function publicId(objectId: DurableObjectId | string): string {
  return prefix + objectId.toString();
}

/** The object of a public id; null for an id that was never given out. */
export function jobStub<Job extends JobObject>(
  jobs: DurableObjectNamespace<Job>,
  id: string,
): DurableObjectStub<Job> | null {
  if (!id.startsWith(prefix)) return null;
  try {
    const objectId = jobs.idFromString(id.slice(prefix.length));
    // Hex has two spellings; the account and the job must call a video by the same one.
    return publicId(objectId) === id ? jobs.get(objectId) : null;
  } catch {
    return null;
  }
}

function visible<T>(id: string, answer: Answer<T> | undefined): T | null {
  if (answer === 'expired')
    throw new Failure('job_expired', `Video ${id} has expired; its frames are deleted.`);
  return answer ?? null;
}

function noHold(refusal: HoldRefusal, price: Price): Failure {
  if (refusal.refused === 'insufficient_credits') return tooDear(price, refusal.availableCredits);
  return new Failure(
    'concurrency_limit',
    'As many videos as may be unfinished at a time are; wait for one to finish, or cancel one.',
  );
}

function tooDear(price: Price, availableCredits: number): Failure {
  return new Failure(
    'insufficient_credits',
    `This costs ${totalCredits(price)} credits, ${price.frameCredits} for each of ${price.frames} frames, and ${availableCredits} are available; order fewer frames or decode steps, or top up with POST /v1/account/topup.`,
  );
}

function refusal(id: string, code: Refusal): Error {
  switch (code) {
    case 'job_terminal':
      return new Failure(code, `Video ${id} is finished; only extend and fork go on from it.`);
    case 'job_not_finished':
      return new Failure(
        code,
        `Video ${id} is not finished, or has been extended meanwhile; cancel it or wait, then extend it.`,
      );
    case 'too_late':
      return new Error(`an order of job ${id} came too late for its hold`);
  }
}
