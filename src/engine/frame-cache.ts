import type { Manifest } from '../contract/manifest.ts';

/** K and V of one frame as the backbone makes and reads them. */
export interface KeysAndValues {
  /** [L, S, D] */
  readonly k: Float32Array;
  /** [L, S, D] */
  readonly v: Float32Array;
}

/**
 * K and V of one finished frame in 8 bits, as they are stored and as they are used: scales of K,
 * scales of V, float32 little-endian [L, D] each, then K and V, int8 [L, S, D] each.
 */
export type FrameCache = Uint8Array;

type Shape = Pick<Manifest, 'backbone' | 'tokenizer'>;

const LARGEST = 127;
const SCALE_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Bytes of the cache of one frame. */
export function cacheBytes(manifest: Shape): number {
  return 2 * (scaleCount(manifest) * SCALE_BYTES + valueCount(manifest));
}

/**
 * Rounds K and V to 8 bits, symmetrically and with one scale for a layer's channel over all tokens:
 * `scale = max|x| / 127` in float32, `floor(x / scale + 0.5)` in double precision.
 * Only exactly rounded operations, so training/magi/frame_cache.py makes the same bytes.
 */
export function packCache(manifest: Shape, { k, v }: KeysAndValues): FrameCache {
  const [scales, values] = [scaleCount(manifest), valueCount(manifest)];
  const { width } = manifest.backbone;
  const cache = new Uint8Array(cacheBytes(manifest));
  const view = new DataView(cache.buffer);
  for (const [part, tensor] of [k, v].entries()) {
    const steps = new Int8Array(cache.buffer, 2 * scales * SCALE_BYTES + part * values, values);
    forEachChannel(manifest, (channel, first, end) => {
      const scale = Math.fround(largestAbsolute(tensor, first, end, width) / LARGEST);
      view.setFloat32((part * scales + channel) * SCALE_BYTES, scale, true);
      if (scale === 0) return;
      for (let place = first; place < end; place += width)
        steps[place] = nearestStep((tensor[place] as number) / scale);
    });
  }
  return cache;
}

/**
 * K and V of a cache: `int8 * scale` in float32.
 * @throws RangeError for a cache of a wrong size
 */
export function unpackCache(manifest: Shape, cache: FrameCache): KeysAndValues {
  const bytes = cacheBytes(manifest);
  if (cache.byteLength !== bytes) {
    throw new RangeError(`the cache of a frame has ${bytes} bytes, got ${cache.byteLength}`);
  }
  const [scales, values] = [scaleCount(manifest), valueCount(manifest)];
  const { width } = manifest.backbone;
  const view = new DataView(cache.buffer, cache.byteOffset, bytes);
  const unpackPart = (part: number): Float32Array => {
    const tensor = new Float32Array(values);
    const start = 2 * scales * SCALE_BYTES + part * values;
    forEachChannel(manifest, (channel, first, end) => {
      const scale = view.getFloat32((part * scales + channel) * SCALE_BYTES, true);
      for (let place = first; place < end; place += width)
        tensor[place] = view.getInt8(start + place) * scale;
    });
    return tensor;
  };
  return { k: unpackPart(0), v: unpackPart(1) };
}

function nearestStep(steps: number): number {
  return Math.max(-LARGEST, Math.min(LARGEST, Math.floor(steps + 0.5)));
}

function largestAbsolute(tensor: Float32Array, first: number, end: number, stride: number): number {
  let largest = 0;
  for (let place = first; place < end; place += stride)
    largest = Math.max(largest, Math.abs(tensor[place] as number));
  return largest;
}

/** Calls `use` for every channel [L, D]: its values lie in [L, S, D] from `first` to before `end`, D apart. */
function forEachChannel(
  { backbone, tokenizer }: Shape,
  use: (channel: number, first: number, end: number) => void,
): void {
  const { layers, width } = backbone;
  for (let channel = 0; channel < layers * width; channel++) {
    const layer = Math.floor(channel / width);
    const first = layer * tokenizer.tokens * width + (channel % width);
    use(channel, first, first + tokenizer.tokens * width);
  }
}

function scaleCount({ backbone }: Shape): number {
  return backbone.layers * backbone.width;
}

function valueCount({ backbone, tokenizer }: Shape): number {
  return backbone.layers * tokenizer.tokens * backbone.width;
}
