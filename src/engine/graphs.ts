import type { Manifest } from '../contract/manifest.ts';
import type { KeysAndValues } from './frame-cache.ts';
import type { PastSlots } from './past.ts';

/** What a referenced tokenizer draws from: frame 0 as displayed, or nothing for frame 0 itself. */
export interface Reference {
  readonly given: boolean;
  /** Palette entry of every pixel, [h, w]; all 0 where none is given. */
  readonly indices: Int32Array;
  /** RGBA bytes [n, 4], n <= P; the model's own palette where none is given. */
  readonly colours: Uint8Array;
}

/** A frame as the backbone reads it in the complete role. */
export interface CompleteFrame {
  /** [S, C] */
  readonly latents: Float32Array;
  readonly interval: number;
  /** Label id; 0 is "no label". */
  readonly label: number;
}

/** A frame as the backbone reads it in the masked role. */
export interface MaskedFrame extends CompleteFrame {
  /** [S], 1 = unknown */
  readonly mask: Float32Array;
}

export interface HeadInputs {
  /** [n, D] */
  readonly z: Float32Array;
  /** [n, C] */
  readonly noise: Float32Array;
  /** [N + 1], falling from 1 to 0 */
  readonly times: Float32Array;
}

/** A decoded frame: pixels 0..1, planar [c, h, w]; with a palette head, its choice beside them. */
export interface DecodedFrame {
  readonly pixels: Float32Array;
  readonly channels: 3 | 4;
  /** [h, w]; of a referenced tokenizer only */
  readonly indices?: Int32Array;
}

/**
 * The trained functions of a model: the seam between the algorithm and whoever computes it. One
 * call at a time; outputs are the caller's own, never written again. What a call depends on by a
 * past, times or a reference may be computed once for the same object, so these are never changed.
 * The reference is null for tokenizers that see none.
 */
export interface Graphs {
  readonly manifest: Manifest;
  /** Quantiles of the normal distribution, [n]. */
  readonly normalTable: Float32Array;
  /** Pixels 0..1 [c, h, w] -> latents [S, C]. */
  encode(pixels: Float32Array, reference: Reference | null): Promise<Float32Array>;
  /** A decode step's pass of the backbone -> z [S, D]. */
  predict(frame: MaskedFrame, past: PastSlots): Promise<Float32Array>;
  /** The commit pass of the backbone. */
  commit(frame: CompleteFrame, past: PastSlots): Promise<KeysAndValues>;
  /** -> latents [n, C] */
  sample(inputs: HeadInputs): Promise<Float32Array>;
  /**
   * Latents [S, C] -> frame.
   * @param pause awaited between its parts, so that the event loop runs
   */
  decode(
    latents: Float32Array,
    reference: Reference | null,
    pause: () => Promise<void>,
  ): Promise<DecodedFrame>;
}
