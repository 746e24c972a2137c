import type { Capture } from '../billing/holds.ts';
import type { Price } from '../billing/price.ts';
import type { JobError, JobSpec, JobStatus } from '../contract/job.ts';
import type { Delivery } from '../contract/webhook.ts';
import type { CachedFrame } from '../engine/generation.ts';
import type { PartialFrame } from '../engine/partial-frame.ts';
import type { Command, Source } from './job-directory.ts';

/** Everything about a job but its frames. Times are milliseconds since 1970. */
export interface JobRecord {
  /** Who ordered it, alone sees it and pays for it. */
  readonly account: string;
  readonly spec: JobSpec;
  /** SHA-256 of the model's build, pinned at creation. */
  readonly build: string;
  /** What one frame costs to compute. */
  readonly frameMultiplyAdds: number;
  /** What frame 0 costs where the model draws it. */
  readonly firstFrameMultiplyAdds: number;
  readonly source: Source | null;
  /** True where frame 0 came with the request. */
  readonly isFirstGiven: boolean;
  readonly status: JobStatus;
  /** Index of the next frame = number of committed frames. */
  readonly cursor: number;
  /** The frame before which the stored K and V stand; behind the cursor while they are made anew from latents. */
  readonly pastCursor: number;
  /** Tries at what comes next, the one of a killed process included. */
  readonly attempts: number;
  /** Counts what the owner told the job: a wake that began before does not commit after. */
  readonly epoch: number;
  /** Number of the hold that pays for the frames made now: a higher one with each extension. */
  readonly hold: number;
  /** When the job wants its next wake: its alarm is set to this. Null = never. */
  readonly wakeAt: number | null;
  readonly createdAt: number;
  readonly completedAt: number | null;
  readonly expiresAt: number | null;
  /** True once the account knows that the video has expired or was removed. */
  readonly isGoneHeard: boolean;
  readonly error: JobError | null;
  /** Who is told when the video ends, or null. */
  readonly webhookUrl: string | null;
  /** Of the newest end, the last one, and of earlier ends that the webhook has not heard of. */
  readonly deliveries: readonly Delivery[];
}

/** A finished frame and its latents, from which K and V can be made anew. */
export interface FrameCommit {
  readonly index: number;
  readonly png: Uint8Array;
  /** [S, C] */
  readonly latents: Float32Array;
}

/** The hold that pays for a creation or an extension. */
export interface Order {
  readonly hold: number;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly price: Price;
}

type Extend = Extract<Command, { kind: 'extend' }>;

/** A command as it reaches the job: an extension has been ordered. */
export type OrderedCommand = Exclude<Command, Extend> | OrderedExtend;

export type OrderedExtend = Omit<Extend, 'frameCredits'> & { readonly order: Order };

/** What a job knows of a hold; the account has to hear of it. */
export interface Settlement extends Capture {
  readonly price: Price;
}

/** What one transaction changes. */
export interface JobChange {
  readonly job: Partial<JobRecord>;
  readonly frames?: readonly FrameCommit[];
  /** Tokens of the frame at the cursor that are revealed so far; null drops them. */
  readonly partial?: PartialFrame | null;
  /** K and V of finished frames. */
  readonly caches?: readonly CachedFrame[];
  /** K and V of older frames are deleted, but those of frame 0. */
  readonly keepCacheFrom?: number;
  /** Into the outbox. */
  readonly settlements?: readonly Settlement[];
  /** Out of the outbox, where nothing newer is in it. */
  readonly heard?: readonly Settlement[];
  /** Frames, latents, K and V are deleted. */
  readonly dropsVideo?: boolean;
}

/** Storage of one job, as its protocol uses it: synchronous, a write is one transaction and sets the alarm. */
export interface JobStore {
  /** The job, or null where there never was one or all of it has been deleted. */
  job(): JobRecord | null;
  write(change: JobChange): void;
  /** The settlement of a hold. */
  settlement(hold: number): Settlement;
  /** Settlements that the account has not confirmed. */
  outbox(): Settlement[];
}
