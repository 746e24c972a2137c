/** The parts of gifenc 1.0.3 that encodeGif uses; the package has no types of its own. */
declare module 'gifenc/dist/gifenc.esm.js' {
  interface FrameOptions {
    palette: number[][];
    /** Milliseconds, rounded to hundredths of a second. */
    delay: number;
    transparent: boolean;
    transparentIndex: number;
    /** 0 = for ever; read at the first frame. */
    repeat: number;
  }
  interface Encoder {
    writeFrame(indices: Uint8Array, width: number, height: number, options: FrameOptions): void;
    finish(): void;
    bytes(): Uint8Array;
    /** Forgets the bytes so far, but not that there was a first frame, as the encoder's own reset does. */
    readonly stream: { reset(): void };
  }
  type ColourFormat = 'rgb565' | 'rgba4444';
  export function GIFEncoder(): Encoder;
  export function quantize(
    rgba: Uint8Array,
    colours: number,
    options: { format: ColourFormat; oneBitAlpha: number },
  ): number[][];
  export function applyPalette(rgba: Uint8Array, palette: number[][], format: ColourFormat): Uint8Array;
}
