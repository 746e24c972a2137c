import { type Price, paidFrames } from '../billing/price.ts';
import type { Command, JobView, NewJob } from './job-directory.ts';

/** Price of a new video. */
export function newJobPrice({
  spec,
  source,
  firstFrame,
  frameCredits,
}: Pick<NewJob, 'spec' | 'source' | 'firstFrame' | 'frameCredits'>): Price {
  const free = { shared: source?.frames ?? 0, isFirstGiven: firstFrame !== null };
  return { frames: paidFrames(spec.frames, free), frameCredits };
}

type Extension = Pick<Extract<Command, { kind: 'extend' }>, 'from' | 'frames' | 'frameCredits'>;

/** Price of more frames: only the new ones, and not a given first frame that is among them. */
export function extensionPrice(
  { from, frames, frameCredits }: Extension,
  { isFirstGiven }: Pick<JobView, 'isFirstGiven'>,
): Price {
  return { frames: paidFrames(frames, { shared: from, isFirstGiven }), frameCredits };
}
