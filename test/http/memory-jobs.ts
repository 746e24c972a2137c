import type { JobStatus } from '../../src/contract/job.ts';
import type { JobDirectory, NamedJob } from '../../src/job/job-directory.ts';
import type { NewJob } from '../../src/job/job-object.ts';

interface Entry {
  job: NamedJob;
  readonly created: NewJob;
  readonly pngs: Uint8Array[];
}

/** Jobs in memory that nobody works at: a test commits their frames by hand. */
export class MemoryJobs implements JobDirectory {
  readonly entries: Entry[] = [];

  async create(created: NewJob): Promise<NamedJob> {
    const id = `video_${this.entries.length}`;
    const job: NamedJob = {
      id,
      spec: created.spec,
      status: 'queued',
      committedFrames: 0,
      createdAt: 1_700_000_000_500,
      completedAt: null,
      error: null,
    };
    this.entries.push({ job, created, pngs: [] });
    return job;
  }

  commit(id: string, pngs: Uint8Array[], status: JobStatus): void {
    const entry = this.#entry(id);
    if (entry === undefined) throw new Error(`no job ${id}`);
    entry.pngs.push(...pngs);
    entry.job = { ...entry.job, status, committedFrames: entry.pngs.length };
  }

  async find(id: string) {
    return this.#entry(id)?.job ?? null;
  }

  async list({ after, limit, order }: Parameters<JobDirectory['list']>[0]) {
    const jobs = this.entries.map(({ job }) => job);
    if (order === 'desc') jobs.reverse();
    const start = after === null ? 0 : jobs.findIndex(({ id }) => id === after) + 1;
    if (after !== null && start === 0) return null;
    return { jobs: jobs.slice(start, start + limit), hasMore: jobs.length > start + limit };
  }

  async frames(id: string, from: number, count: number) {
    const pngs = this.#entry(id)?.pngs.slice(from, from + count);
    return pngs?.map((png, offset) => ({ index: from + offset, png })) ?? null;
  }

  async remove(id: string) {
    const position = this.entries.findIndex(({ job }) => job.id === id);
    if (position >= 0) this.entries.splice(position, 1);
    return position >= 0;
  }

  #entry(id: string): Entry | undefined {
    return this.entries.find(({ job }) => job.id === id);
  }
}
