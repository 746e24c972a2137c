import type { StoredFrame } from '../contract/frame.ts';
import { type AccountObject, localAccount } from './account-object.ts';
import type { PageRequest } from './account-store.ts';
import type { JobObject, JobView, NewJob } from './job-object.ts';

/** A job with its public id. */
export interface NamedJob extends JobView {
  readonly id: string;
}

/** All jobs of an account, as routes use them. An unknown id and a stranger's answer alike: null or false. */
export interface JobDirectory {
  create(job: NewJob): Promise<NamedJob>;
  find(id: string): Promise<NamedJob | null>;
  /** Null where `after` is unknown. */
  list(request: PageRequest): Promise<{ jobs: NamedJob[]; hasMore: boolean } | null>;
  /** Committed frames from `from` on, at most `count`. */
  frames(id: string, from: number, count: number): Promise<StoredFrame[] | null>;
  remove(id: string): Promise<boolean>;
}

const prefix = 'video_';

/**
 * The directory over Durable Objects. A public id is the object's own id, which the runtime has signed: an id that
 * it did not give out names no object, so asking for it creates none.
 */
export function durableJobDirectory(
  jobs: DurableObjectNamespace<JobObject>,
  accounts: DurableObjectNamespace<AccountObject>,
): JobDirectory {
  const account = () => accounts.get(accounts.idFromName(localAccount));
  return {
    async create(job) {
      const objectId = jobs.newUniqueId();
      const id = prefix + objectId.toString();
      await account().add(id);
      try {
        return named(id, await jobs.get(objectId).create(job));
      } catch (error) {
        await this.remove(id).catch(() => undefined);
        throw error;
      }
    },
    async find(id) {
      const view = await stubOf(jobs, id)?.view();
      return view == null ? null : named(id, view);
    },
    async list(request) {
      // Entries without a job are left out, and stay, as theirs may be about to be created; more are read instead.
      for (let count = request.limit; ; count *= 2) {
        const page = await account().page({ ...request, limit: count });
        if (page === null) return null;
        const views = await Promise.all(page.jobIds.map((id) => this.find(id)));
        const found = views.filter((view) => view !== null);
        const jobs = found.slice(0, request.limit);
        if (jobs.length === request.limit || !page.hasMore)
          return { jobs, hasMore: page.hasMore || found.length > jobs.length };
      }
    },
    async frames(id, from, count) {
      return (await stubOf(jobs, id)?.frames(from, count)) ?? null;
    },
    async remove(id) {
      const isRemoved = (await stubOf(jobs, id)?.remove()) ?? false;
      await account().remove([id]);
      return isRemoved;
    },
  };
}

function stubOf(jobs: DurableObjectNamespace<JobObject>, id: string): DurableObjectStub<JobObject> | null {
  if (!id.startsWith(prefix)) return null;
  try {
    return jobs.get(jobs.idFromString(id.slice(prefix.length)));
  } catch {
    return null;
  }
}

function named(id: string, view: JobView): NamedJob {
  return { ...view, id };
}
