import type { Cost } from '../contract/job.ts';

/** What an order costs; fixed in its hold, and never decided again. */
export interface Price {
  /** Frames that are computed for it: neither a given first frame nor frames shared with another video. */
  readonly frames: number;
  /** Credits for each of them. */
  readonly frameCredits: number;
}

/** What is known of one order's money. */
export interface Charge {
  readonly price: Price;
  /** Frames computed and committed for it. */
  readonly captured: number;
  /** True where no more will be. */
  readonly isFinal: boolean;
}

/** Price of one frame in whole credits, at least 1: what it takes to compute over what a credit buys. */
export function frameCredits(frameMultiplyAdds: number, multiplyAddsPerCredit: number): number {
  return Math.max(1, Math.ceil(frameMultiplyAdds / multiplyAddsPerCredit));
}

/** Frames of a new video that have to be computed: all but those shared with another one, or a given first frame. */
export function paidFrames(frames: number, { shared, isFirstGiven }: FreeFrames): number {
  return frames - Math.max(shared, isFirstGiven ? 1 : 0);
}

interface FreeFrames {
  readonly shared: number;
  readonly isFirstGiven: boolean;
}

/** Credits that an order costs where all of it is made. */
export function totalCredits({ frames, frameCredits }: Price): number {
  return frames * frameCredits;
}

/** Credits for so many frames of an order: never more than were held for it. */
export function capturedCredits({ frames, frameCredits }: Price, captured: number): number {
  return Math.min(captured, frames) * frameCredits;
}

/** What a video costs over all its orders. Held is what is neither captured nor released. */
export function costOf(charges: readonly Charge[]): Cost {
  const cost = { quoted: 0, held: 0, captured: 0, released: 0 };
  for (const { price, captured, isFinal } of charges) {
    const total = totalCredits(price);
    const paid = capturedCredits(price, captured);
    cost.quoted += total;
    cost.captured += paid;
    cost[isFinal ? 'released' : 'held'] += total - paid;
  }
  return cost;
}
