import type { Ticket } from '../billing/claims.ts';
import type { StoredFrame } from '../contract/frame.ts';
import type { Cost, JobError, JobSpec, LabelChange, VideoStatus } from '../contract/job.ts';
import type { Delivery, WebhookSecret } from '../contract/webhook.ts';

/** The frames that a fork shares with another video: those before `frames`, or all of it where it has no more. */
export interface Source {
  /** Public id of that video. */
  readonly id: string;
  readonly frames: number;
}

/** What a job is begun with. */
export interface NewJob {
  readonly spec: JobSpec;
  /** SHA-256 of the model's build. */
  readonly build: string;
  /** What one frame costs to compute. */
  readonly frameMultiplyAdds: number;
  /** What frame 0 costs where the model draws it. */
  readonly firstFrameMultiplyAdds: number;
  /** What one frame costs whoever ordered it. */
  readonly frameCredits: number;
  /** PNG in the model's size, or null where the model draws the first frame. */
  readonly firstFrame: Uint8Array | null;
  /** The video that this one goes on from; its first frames are copied, not computed. */
  readonly source: Source | null;
  /** Who is told when the video ends. */
  readonly webhookUrl?: string | undefined;
}

/** A job that belongs to an account. */
export interface OwnedJob extends NewJob {
  readonly account: string;
}

/** A job as readers see it. Times are milliseconds since 1970. */
export interface JobView {
  readonly spec: JobSpec;
  /** SHA-256 of the model's build. */
  readonly build: string;
  readonly status: VideoStatus;
  readonly committedFrames: number;
  /** False where the model draws frame 0. */
  readonly isFirstGiven: boolean;
  readonly cost: Cost;
  readonly source: Source | null;
  readonly createdAt: number;
  /** When it was completed, failed or cancelled. */
  readonly completedAt: number | null;
  /** When it will be deleted; null while it is made. */
  readonly expiresAt: number | null;
  readonly error: JobError | null;
  /** Who is told when the video ends, and how far the news of its last end has come. */
  readonly webhook: { readonly url: string; readonly delivery: Delivery | null } | null;
}

/** A job with its public id. */
export interface NamedJob extends JobView {
  readonly id: string;
}

/** What an owner can tell a job to do. */
export type Command =
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'cancel' }
  /** The news of the video's end is sent again, or for the first time to another URL. */
  | { readonly kind: 'notify'; readonly webhookUrl?: string | undefined }
  | {
      readonly kind: 'extend';
      /** Number of committed frames that the caller saw and goes on from. */
      readonly from: number;
      /** Of the whole video after it. */
      readonly frames: number;
      /** Of the new frames; absent: as before. */
      readonly interval?: number | undefined;
      /** From frame `from` on instead of the old schedule; absent: as before. */
      readonly labels?: readonly LabelChange[] | undefined;
      /** What one of the new frames costs. */
      readonly frameCredits: number;
      /** Absent: as before. */
      readonly webhookUrl?: string | undefined;
    };

/** What is new of a job. */
export interface News {
  readonly job: NamedJob;
  readonly frames: StoredFrame[];
}

export interface PageRequest {
  /** Id of the job before the page, or null for the first page. */
  readonly after: string | null;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
}

/**
 * All jobs of an account, as routes use them. An unknown id and a stranger's answer alike: null or false. Every method
 * that takes the id of a job throws Failure job_expired for one that has expired.
 */
export interface JobDirectory {
  /**
   * The answer to an order that was sent before, by its key, or by being the same as one of the last minutes; null
   * where it has to be carried out.
   * @throws Failure idempotency_reused, idempotency_in_progress, job_not_found, job_expired
   */
  recall(ticket: Ticket): Promise<NamedJob | null>;
  /**
   * An order with a ticket is carried out once: another with the same ticket is answered as the first one was.
   * @throws Failure concurrency_limit, insufficient_credits, and those of recall
   */
  create(job: NewJob, ticket?: Ticket): Promise<NamedJob>;
  find(id: string): Promise<NamedJob | null>;
  /** Null where `after` is unknown. */
  list(request: PageRequest): Promise<{ jobs: NamedJob[]; hasMore: boolean } | null>;
  /** Committed frames from `from` on, at most `count`. */
  frames(id: string, from: number, count: number): Promise<StoredFrame[] | null>;
  /**
   * Committed frames from `from` on, a handful at most. Where there is none, it answers when there is one, when the
   * job's status is another than `known`, or when `waitMs` are over, whichever comes first.
   */
  news(id: string, from: number, known: VideoStatus | null, waitMs: number): Promise<News | null>;
  /**
   * @param ticket of an order for more frames
   * @throws Failure job_terminal, job_not_finished, concurrency_limit, insufficient_credits, and those of recall
   */
  command(id: string, command: Command, ticket?: Ticket): Promise<NamedJob | null>;
  remove(id: string): Promise<boolean>;
  /** What the account's webhooks are signed with. */
  webhookSecret(): Promise<WebhookSecret>;
  rotateWebhookSecret(): Promise<WebhookSecret>;
}
