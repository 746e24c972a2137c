import type { Ticket } from '../../src/billing/claims.ts';
import { costOf, type Price } from '../../src/billing/price.ts';
import { Failure } from '../../src/contract/failure.ts';
import type { Cost, VideoStatus } from '../../src/contract/job.ts';
import { type Delivery, WebhookEventType, type WebhookSecret } from '../../src/contract/webhook.ts';
import type { Command, JobDirectory, NamedJob, NewJob, News } from '../../src/job/job-directory.ts';
import { extensionPrice, newJobPrice } from '../../src/job/order-price.ts';
import { isFinished, isSoAlready, nextStatus } from '../../src/job/state-table.ts';

interface Entry {
  job: NamedJob;
  readonly created: NewJob;
  /** Of its creation and its extensions. */
  readonly orders: Price[];
  readonly pngs: Uint8Array[];
  isExpired: boolean;
}

/** Frames of one answer with news. */
const batchFrames = 8;

const commandedEvent = { pause: 'paused', resume: 'resumed', cancel: 'cancelled' } as const;

/** Jobs in memory that nobody works at: a test commits their frames by hand. */
export class MemoryJobs implements JobDirectory {
  readonly entries: Entry[] = [];
  /** What was told to jobs. */
  readonly commands: Command[] = [];
  newsCalls = 0;
  secret: WebhookSecret = {
    object: 'webhook_secret',
    secret: `whsec_${'A'.repeat(43)}=`,
    created_at: 1_700_000_000,
    previous_until: null,
  };
  #created = 0;
  #changed = Promise.withResolvers<void>();

  /** Orders with a key, and what they were answered with; undefined while they are carried out. */
  readonly keyed = new Map<string, { readonly request: string; job?: NamedJob }>();
  /** Requests for new videos without a key, and the newest video of each. */
  readonly #requests = new Map<string, NamedJob>();

  async recall({ key, request, isRepeated }: Ticket): Promise<NamedJob | null> {
    if (key === null) return isRepeated ? (this.#requests.get(request) ?? null) : null;
    const known = this.keyed.get(key);
    if (known === undefined) return null;
    if (known.request !== request)
      throw new Failure(
        'idempotency_reused',
        'Something else was ordered under this key.',
        'idempotency-key',
      );
    if (known.job === undefined)
      throw new Failure('idempotency_in_progress', 'The same order is being carried out.');
    return known.job;
  }

  async create(created: NewJob, ticket?: Ticket): Promise<NamedJob> {
    const job = await this.#create(created);
    this.#note(ticket, job);
    return job;
  }

  #note(ticket: Ticket | undefined, job: NamedJob): void {
    if (ticket === undefined) return;
    const { key, request } = ticket;
    if (key === null) this.#requests.set(request, job);
    else this.keyed.set(key, { request, job });
  }

  async #create(created: NewJob): Promise<NamedJob> {
    const { source, spec, build } = created;
    const price = newJobPrice(created);
    const pngs = source === null ? [] : (this.#entry(source.id)?.pngs.slice(0, source.frames) ?? []);
    const job: NamedJob = {
      id: `video_${this.#created++}`,
      spec,
      build,
      status: 'queued',
      committedFrames: pngs.length,
      isFirstGiven: created.firstFrame !== null,
      cost: costOf([{ price, captured: 0, isFinal: false }]),
      source,
      createdAt: 1_700_000_000_500,
      completedAt: null,
      expiresAt: null,
      error: null,
      webhook: created.webhookUrl === undefined ? null : { url: created.webhookUrl, delivery: null },
    };
    this.entries.push({ job, created, orders: [price], pngs, isExpired: false });
    return job;
  }

  commit(id: string, pngs: Uint8Array[], status: VideoStatus): void {
    const entry = this.#existing(id);
    entry.pngs.push(...pngs);
    entry.job = paid(entry, { ...entry.job, status, committedFrames: entry.pngs.length });
    this.#tell();
  }

  deliver(id: string, delivery: Delivery): void {
    const entry = this.#existing(id);
    entry.job = { ...entry.job, webhook: entry.job.webhook && { ...entry.job.webhook, delivery } };
  }

  expire(id: string): void {
    this.#existing(id).isExpired = true;
    this.#tell();
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

  async news(id: string, from: number, known: VideoStatus | null, waitMs: number): Promise<News | null> {
    this.newsCalls += 1;
    const deadline = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => deadline.resolve('late'), waitMs);
    try {
      for (let isLate = false; ; ) {
        const changed = this.#changed.promise;
        const entry = this.#entry(id);
        if (entry === undefined) return null;
        const frames = (await this.frames(id, from, batchFrames)) ?? [];
        if (frames.length > 0 || entry.job.status !== known || isLate) return { job: entry.job, frames };
        isLate = (await Promise.race([changed, deadline.promise])) === 'late';
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async command(id: string, command: Command, ticket?: Ticket): Promise<NamedJob | null> {
    const entry = this.#entry(id);
    if (entry === undefined) return null;
    this.commands.push(command);
    const { job } = entry;
    if (command.kind === 'extend') {
      if (!isFinished(job.status))
        throw new Failure('job_not_finished', 'The video is not finished; extend it later.');
      const { from, frames, labels: after } = command;
      const labels = after && [...job.spec.labels.filter((change) => change.from < from), ...after];
      entry.orders.push(extensionPrice(command, entry.job));
      const spec = { ...job.spec, frames, labels: labels ?? job.spec.labels };
      entry.job = paid(entry, { ...job, status: 'queued', spec });
    } else if (command.kind === 'notify') {
      const url = command.webhookUrl ?? job.webhook?.url;
      const delivery = isFinished(job.status) ? freshDelivery(job) : null;
      if (url !== undefined) entry.job = { ...job, webhook: { url, delivery } };
    } else if (!isSoAlready(job.status, command.kind)) {
      if (isFinished(job.status)) throw new Failure('job_terminal', `The video is ${job.status} already.`);
      const status = nextStatus(job.status, commandedEvent[command.kind]) as VideoStatus;
      entry.job = paid(entry, { ...job, status });
    }
    this.#note(ticket, entry.job);
    this.#tell();
    return entry.job;
  }

  async remove(id: string) {
    const position = this.entries.findIndex(({ job }) => job.id === id);
    if (position >= 0) this.entries.splice(position, 1);
    this.#tell();
    return position >= 0;
  }

  async webhookSecret() {
    return this.secret;
  }

  async rotateWebhookSecret() {
    this.secret = { ...this.secret, secret: `whsec_${'B'.repeat(43)}=`, previous_until: 1_700_086_400 };
    return this.secret;
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #existing(id: string): Entry {
    const entry = this.entries.find(({ job }) => job.id === id);
    if (entry === undefined) throw new Error(`no job ${id}`);
    return entry;
  }

  #entry(id: string): Entry | undefined {
    const entry = this.entries.find(({ job }) => job.id === id);
    if (entry?.isExpired) throw new Failure('job_expired', `Video ${id} has expired and was deleted.`);
    return entry;
  }
}

/** The job with what it costs now: frames pay for the oldest order first, and only the last one can still go on. */
function paid({ orders, created }: Entry, job: NamedJob): NamedJob {
  let left = job.committedFrames - (created.spec.frames - (orders[0] as Price).frames);
  const charges = orders.map((price, index) => {
    const captured = Math.max(0, Math.min(left, price.frames));
    left -= captured;
    return { price, captured, isFinal: index < orders.length - 1 || isFinished(job.status) };
  });
  const cost: Cost = costOf(charges);
  return { ...job, cost };
}

function freshDelivery({ status, completedAt }: NamedJob): Delivery {
  const endedAt = completedAt ?? 0;
  return {
    ...{ epoch: 0, type: WebhookEventType.parse(`video.${status}`), endedAt, status: 'pending' },
    ...{ attempts: 0, nextAttemptAt: endedAt, lastError: null },
  };
}
