import type { JobChange } from './job-record.ts';
import type { Effect } from './wake-protocol.ts';

/**
 * Every moment at which a test can have the process killed: before each thing that a wake does, and between the steps
 * of an order. Named after what would come next; those of an order after what has just been done.
 */
export type CrashPoint = Exclude<Effect['kind'], 'write'> | `write:${Written}` | OrderPoint;

/** After the hold, after the job, and after the note of the answer to an order that has a key. */
type OrderPoint = 'hold-opened' | 'ordered' | 'answer-noted';

/** What a write is for; `wake-at` sets the next wake and nothing else. */
type Written =
  | 'attempt'
  | 'frame'
  | 'last-frame'
  | 'shared'
  | 'replayed'
  | 'part'
  | 'end'
  | 'gone'
  | 'settled'
  | 'delivery'
  | 'wake-at';

/** Called where a crash point is reached; a promise that it returns has to be awaited, and never resolves. */
export type Reached = (point: CrashPoint) => Promise<void> | undefined;

/** What is printed at the point where everything stops. */
export const crashMarker = 'magi stops at';

/**
 * Stops where the binding CRASH_POINT says, and waits for its death there. `frame#3` is the third time that this
 * process comes to the point. With `!` behind it, the thread stops, too, so that nothing written in the same turn
 * reaches the disk; without it, all that was written does, and other requests are served.
 * @param binding blanks around it are nothing; undefined where nothing is set, as in production: then there is no hook
 */
export function crashPoint(binding: string | undefined): Reached | undefined {
  const parts = /^([a-z:-]+)#(\d+)(!?)$/.exec(binding?.trim() ?? '');
  if (parts === null) return undefined;
  const [, name, count, mode] = parts;
  let left = Number(count);
  return (point) => {
    if (point !== name || --left !== 0) return undefined;
    console.log(`${crashMarker} ${binding?.trim()}`);
    while (mode === '!');
    return new Promise(() => undefined);
  };
}

/** The crash point before an effect of a wake. */
export function pointBefore(effect: Effect): CrashPoint {
  return effect.kind === 'write' ? `write:${written(effect.change)}` : effect.kind;
}

function written({ job, frames, caches, partial, heard, dropsVideo }: JobChange): Written {
  if (dropsVideo) return 'gone';
  if (heard !== undefined) return 'settled';
  if (frames === undefined && caches !== undefined) return 'replayed';
  if (frames !== undefined && caches === undefined) return 'shared';
  if (frames !== undefined) return job.status === 'completed' ? 'last-frame' : 'frame';
  if (partial != null) return 'part';
  if (job.status !== undefined) return 'end';
  if (job.deliveries !== undefined) return 'delivery';
  return job.attempts === undefined ? 'wake-at' : 'attempt';
}
