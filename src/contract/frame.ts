/** Pixels of one image: rows from the top, [height, width, channels], 8 bits each; 3 = RGB, 4 = RGBA, not premultiplied. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly pixels: Uint8Array;
}

/** A committed frame as it leaves the job: PNG in the model's size. */
export interface StoredFrame {
  readonly index: number;
  readonly png: Uint8Array;
}
