import type { JobRecord } from '../../src/job/job-record.ts';
import type { SettlementMessage } from '../../src/job/wake-protocol.ts';
import type { SimulatedAccountBook } from './account-state.ts';

/** Ways to break what runs, to see that the simulation notices. None of them is set in a normal run. */
export interface Variant {
  /** Does not wait until the attempt is on disk. */
  readonly skipsSync?: boolean;
  /** Waits for that once a wake, not before every frame. */
  readonly syncsOnce?: boolean;
  /** Deletes a removed job in two steps: its alarm, then the rest. */
  readonly deletesAlarmFirst?: boolean;
  /** Messages leave before what they tell is on disk. */
  readonly skipsOutputGate?: boolean;
  /** What a wake reads, given what it read first. */
  readonly read?: (first: JobRecord, now: JobRecord) => JobRecord;
  /** What a wake reads first. */
  readonly firstRead?: (job: JobRecord) => JobRecord;
  /** Instead of settleHolds. */
  readonly settle?: (book: SimulatedAccountBook, jobId: string, message: SettlementMessage) => void;
  /** Tops up whether the reference is known or not. */
  readonly forgetsReferences?: boolean;
  /** Orders under a key are not remembered. */
  readonly forgetsClaims?: boolean;
  /** An order under a key begins anew as soon as its job does not know it. */
  readonly givesUpAtOnce?: boolean;
  /** An order under a key is answered before its answer is noted. */
  readonly answersUnnoted?: boolean;
  /** Takes every message for heard, lost or not. */
  readonly believesHeard?: boolean;
  /** Milliseconds by which the account's sweep comes too early. */
  readonly sweepsEarlierMs?: number;
  /** An account that comes into memory does not look whether its alarm is set. */
  readonly leavesAlarmLost?: boolean;
  /** A client drops the hold of every order, whatever became of it. */
  readonly dropsEveryHold?: boolean;
  /** A job begins however old its hold is. */
  readonly ignoresOpeningDeadline?: boolean;
  /** A frame and the cursor after it are two groups of writes. */
  readonly splitsCommit?: boolean;
  /** A webhook is told before what it hears is on disk. */
  readonly tellsWebhookEarly?: boolean;
  /** A try at a webhook is written down after it, not before. */
  readonly countsTriesLate?: boolean;
  /** The end of a video and the news of it are two groups of writes. */
  readonly splitsNews?: boolean;
  /** A past in memory is used wherever it stands. */
  readonly trustsPast?: boolean;
}
