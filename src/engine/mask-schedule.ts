import { noiseWords } from './noise.ts';

/**
 * Tokens still masked after each of K decode steps, K = min(decodeSteps, tokens): falling by at
 * least 1, ending at 0. Cosine schedule of MaskGIT (Chang et al., CVPR 2022, section 3.3), as MAR uses it.
 */
export function maskSchedule(tokens: number, decodeSteps: number): number[] {
  const steps = Math.min(decodeSteps, tokens);
  const kept: number[] = [];
  let previous = tokens;
  for (let step = 1; step <= steps; step++) {
    const cosine = Math.floor(tokens * Math.cos(((Math.PI / 2) * step) / steps) + 1e-9);
    previous = step === steps ? 0 : Math.max(0, Math.min(previous - 1, cosine));
    kept.push(previous);
  }
  return kept;
}

/** The frame's tokens in the order in which they stay masked: the first of it are revealed last. */
export function decodeOrder(seed: number, frame: number, tokens: number): number[] {
  const words = Array.from(
    { length: tokens },
    (_, token) => noiseWords(seed, { frame, decodeStep: 0, token }, 0)[0],
  );
  return words.map((_, token) => token).sort((a, b) => (words[a] as number) - (words[b] as number) || a - b);
}

/** Tokens that each decode step reveals, in ascending order: K lists that cover the frame once. */
export function revealedTokens(order: readonly number[], decodeSteps: number): number[][] {
  let previous = order.length;
  return maskSchedule(order.length, decodeSteps).map((keep) => {
    const revealed = order.slice(keep, previous).sort((a, b) => a - b);
    previous = keep;
    return revealed;
  });
}
