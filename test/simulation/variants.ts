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
    settle: (book, jobId, { settlements, isGone }) => {
      for (const { hold, captured, isFinal } of settlements) {
        const known = book.hold(jobId, hold);
        book.write({
          ...{ jobId, hold, openedAt: known?.openedAt ?? 0, isConfirmed: true },
          captured: (known?.captured ?? 0) + captured,
          isEnded: (known?.isEnded ?? false) || isFinal,
        });
      }
      if (isGone) book.unlist(jobId);
    },
  },
  'what was told is taken for heard': { believesHeard: true },
  'holds are swept while they can still be used': { sweepsEarlierMs: 55_000 },
  'an account does not miss its alarm': { leavesAlarmLost: true },
  'a hold is dropped while its job goes by it': { dropsEveryHold: true },
  'a job begins under a hold that has been swept': { ignoresOpeningDeadline: true },
  'a frame and the cursor are written one after the other': { splitsCommit: true },
  'a past in memory is used wherever it stands': { trustsPast: true },
  'the alarm of a removed job is deleted before the job': { deletesAlarmFirst: true },
};
