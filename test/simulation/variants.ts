import { settleHolds } from '../../src/billing/holds.ts';
import type { SettlementMessage } from '../../src/job/wake-protocol.ts';
import type { SimulatedAccountBook } from './account-state.ts';
import type { Variant } from './variant.ts';

/** Mistakes that the simulation has to notice. Some were really made. */
export const brokenVariants: Readonly<Record<string, Variant>> = {
  'work begins before the attempt is on disk': { skipsSync: true },
  'only the first frame of a wake waits for its attempt': { syncsOnce: true },
  'the account is told of frames that a crash can still lose': { skipsOutputGate: true },
  'a frame is committed whatever the owner said meanwhile': {
    read: (first, now) => ({ ...now, epoch: first.epoch }),
  },
  'every wake forgets the attempts before it': { firstRead: (job) => ({ ...job, attempts: 0 }) },
  'captures are added up': {
    settle: (book, jobId, message) =>
      settleHolds(
        book,
        jobId,
        recounted(book, jobId, message, (known, told) => known + told),
        0,
      ),
  },
  'a hold that has ended ends again': {
    settle: (book, jobId, message) => {
      for (const { hold } of message.settlements) {
        const known = book.hold(jobId, hold);
        if (known !== null) book.write({ ...known, isEnded: false });
      }
      settleHolds(book, jobId, message, 0);
    },
  },
  'a video that ends early is paid in full': {
    settle: (book, jobId, message) =>
      settleHolds(
        book,
        jobId,
        recounted(book, jobId, message, (_, told, { isFinal, ordered }) => (isFinal ? ordered : told)),
        0,
      ),
  },
  'credits of one payment come as often as it is told of': { forgetsReferences: true },
  'an order under a key is carried out as often as it is sent': { forgetsClaims: true },
  'an order under a key begins anew while the first can still arrive': { givesUpAtOnce: true },
  'an answer under a key is given before it is noted': { answersUnnoted: true },
  'what was told is taken for heard': { believesHeard: true },
  'holds are swept while they can still be used': { sweepsEarlierMs: 55_000 },
  'an account does not miss its alarm': { leavesAlarmLost: true },
  'a hold is dropped while its job goes by it': { dropsEveryHold: true },
  'a job begins under a hold that has been swept': { ignoresOpeningDeadline: true },
  'a frame and the cursor are written one after the other': { splitsCommit: true },
  'a past in memory is used wherever it stands': { trustsPast: true },
  'a webhook hears of an end that a crash can still undo': { tellsWebhookEarly: true },
  'tries at a webhook are counted after they were made': { countsTriesLate: true },
  'the end of a video and the news of it are written one after the other': { splitsNews: true },
  'the alarm of a removed job is deleted before the job': { deletesAlarmFirst: true },
};

/** The message with other counts of frames. */
function recounted(
  book: SimulatedAccountBook,
  jobId: string,
  message: SettlementMessage,
  count: (known: number, told: number, about: { isFinal: boolean; ordered: number }) => number,
): SettlementMessage {
  const settlements = message.settlements.map((told) => {
    const known = book.hold(jobId, told.hold);
    const about = { isFinal: told.isFinal, ordered: known?.price.frames ?? 0 };
    return { ...told, captured: count(known?.captured ?? 0, told.captured, about) };
  });
  return { ...message, settlements };
}
