import type { Manifest } from '../contract/manifest.ts';
import { cacheBytes, type FrameCache, unpackCache } from './frame-cache.ts';
import { free } from './free.ts';
import type { Reference } from './graphs.ts';
import { referenceOf } from './reference.ts';

/** K and V of finished frames, in slots: docs/model-format.md, "Slots of the past". */
export interface PastSlots {
  /** [L, W + 1, S, D] */
  readonly k: Float32Array;
  /** [L, W + 1, S, D] */
  readonly v: Float32Array;
  /** [W + 1], 1 = holds a frame */
  readonly filled: Float32Array;
}

/**
 * What a generation goes on from: the index of the next frame, the K/V cache of the anchor (frame
 * 0) and of the last W frames, and frame 0 as displayed.
 */
export class Past {
  #cursor = 0;
  #firstPixels: Uint8ClampedArray | undefined;
  #reference: Reference | undefined;
  readonly #manifest: Manifest;
  readonly #layers: number;
  readonly #window: number;
  readonly #frameSize: number; // S * D
  #slots: PastSlots;

  private constructor(manifest: Manifest) {
    const { layers, window, width } = manifest.backbone;
    this.#manifest = manifest;
    this.#layers = layers;
    this.#window = window;
    this.#frameSize = manifest.tokenizer.tokens * width;
    const values = layers * (window + 1) * this.#frameSize;
    this.#slots = {
      k: new Float32Array(values),
      v: new Float32Array(values),
      filled: new Float32Array(window + 1),
    };
  }

  /** The past of a video that has no frame yet. */
  static empty(manifest: Manifest): Past {
    return new Past(manifest);
  }

  /**
   * The past before frame `cursor`, from what was kept of its frames.
   * @param firstPixels RGBA [h, w, 4] of frame 0 as displayed
   * @param cacheOf caches of the frames that `Past.framesNeeded(manifest, cursor, end)` names
   * @param end where the replay ends that left this past; `cursor` where it is whole
   * @throws RangeError for a cache of a wrong size
   */
  static restore(
    manifest: Manifest,
    cursor: number,
    firstPixels: Uint8ClampedArray,
    cacheOf: (frame: number) => FrameCache,
    end = cursor,
  ): Past {
    const past = new Past(manifest);
    for (const frame of Past.framesNeeded(manifest, cursor, end)) {
      past.skipTo(frame);
      past.append(cacheOf(frame), firstPixels);
    }
    return past;
  }

  /**
   * Frames whose K and V the frame at `cursor` reads, in rising order: 0 and the last W, in a replay to `end` of
   * those that it has made.
   */
  static framesNeeded(manifest: Manifest, cursor: number, end = cursor): number[] {
    const from = Math.max(Past.replayStart(manifest, end), cursor - manifest.backbone.window);
    const recent = Array.from({ length: Math.max(0, cursor - from) }, (_, i) => from + i);
    return cursor > 0 ? [0, ...recent] : [];
  }

  /** Where a replay goes on after frame 0: with the first of the frames that the window's layers see from `end`. */
  static replayStart({ backbone }: Manifest, end: number): number {
    return Math.max(1, end - backbone.layers * backbone.window);
  }

  /** Bytes of K and V of one frame as they are kept. */
  static kvBytes(manifest: Manifest): number {
    return cacheBytes(manifest);
  }

  /** Index of the next frame. */
  get cursor(): number {
    return this.#cursor;
  }

  /** RGBA [h, w, 4] of frame 0 as displayed; undefined while there is none. */
  get firstPixels(): Uint8ClampedArray | undefined {
    return this.#firstPixels;
  }

  /** Frame 0 as a reference, one object for the whole video; undefined while there is none. */
  get reference(): Reference | undefined {
    if (this.#firstPixels !== undefined) this.#reference ??= referenceOf(this.#firstPixels);
    return this.#reference;
  }

  /** The cache as the backbone reads it, until the next `append`; a new object after it. */
  get slots(): PastSlots {
    return this.#slots;
  }

  /** Bytes that this past holds in memory. */
  get bytes(): number {
    const { k, v, filled } = this.#slots;
    return k.byteLength + v.byteLength + filled.byteLength + (this.#firstPixels?.byteLength ?? 0);
  }

  /**
   * Adds the frame at the cursor and moves the cursor on. Frame 0 becomes the anchor, any other
   * pushes the oldest out of the window.
   * @param pixels RGBA [h, w, 4] of the frame as displayed
   * @throws RangeError for a cache of a wrong size
   */
  append(cache: FrameCache, pixels: Uint8ClampedArray): void {
    const { k, v } = unpackCache(this.#manifest, cache);
    const slot = this.#cursor === 0 ? 0 : this.#window;
    if (slot > 0) this.#slide();
    this.#write(this.#slots.k, k, slot);
    this.#write(this.#slots.v, v, slot);
    free(k, v);
    this.#slots.filled[slot] = 1;
    this.#slots = { ...this.#slots };
    if (this.#cursor === 0) this.#firstPixels = pixels;
    this.#cursor += 1;
  }

  /**
   * Moves the cursor on without the frames between: their slots stay unfilled. Only for a replay,
   * which begins before what the window can see.
   */
  skipTo(cursor: number): void {
    if (cursor < this.#cursor)
      throw new RangeError(`the cursor moves forwards only: ${this.#cursor} to ${cursor}`);
    this.#cursor = cursor;
  }

  /** Slots 2..W move to 1..W - 1, in every layer. */
  #slide(): void {
    const size = this.#frameSize;
    for (let layer = 0; layer < this.#layers; layer++) {
      const start = layer * (this.#window + 1) * size;
      const end = start + (this.#window + 1) * size;
      this.#slots.k.copyWithin(start + size, start + 2 * size, end);
      this.#slots.v.copyWithin(start + size, start + 2 * size, end);
    }
    this.#slots.filled.copyWithin(1, 2);
  }

  #write(slots: Float32Array, frame: Float32Array, slot: number): void {
    const size = this.#frameSize;
    for (let layer = 0; layer < this.#layers; layer++) {
      const start = (layer * (this.#window + 1) + slot) * size;
      slots.set(frame.subarray(layer * size, (layer + 1) * size), start);
    }
  }
}
