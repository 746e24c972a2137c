import type { Raster } from '../../src/contract/frame.ts';
import { encodePng } from '../../src/media/png.ts';
import { enlarged, withoutAlpha } from '../../src/media/raster.ts';
import { spriteSheet } from '../../src/media/sprite-sheet.ts';
import type { ComparedClip } from './comparison.ts';
import type { Frame } from './metrics.ts';

/** Screen pixels a pixel. */
const SCALE = 2;

/** PNG file with three rows for each clip, on grey: the true animation, the tokenizer's, the model's. */
export function contactSheet(clips: readonly ComparedClip[], cell: number): Uint8Array {
  const rows = clips.flatMap(({ truth, made }) => [truth, made.tokenizer, made.model]);
  const sheet = spriteSheet(
    rows.flat().map((frame) => rasterOf(frame, cell)),
    rows[0]?.length ?? 0,
  );
  return encodePng(enlarged(withoutAlpha(sheet), SCALE));
}

function rasterOf(frame: Frame, cell: number): Raster {
  return { width: cell, height: cell, channels: 4, pixels: new Uint8Array(frame) };
}
