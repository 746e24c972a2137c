import { limits } from '../contract/config.ts';
import { corruptImage, heavyImage } from './image-header.ts';

const startOfScan = 0xda;
const endOfImage = 0xd9;

/** Inside of a scan's data: stuffed zeros and restarts (ITU T.81, table B.1). */
const isPartOfScan = (marker: number) => marker === 0 || (marker >= 0xd0 && marker <= 0xd7);

/**
 * Walks a JPEG file to its end, whose header has been read: the decoder fills what is missing of a truncated one with
 * grey, and takes any number of scans, however long that lasts.
 * @throws Failure image_corrupt, image_dimensions
 */
export function checkScans(bytes: Uint8Array, pixels: number): void {
  let scans = 0;
  for (let at = 2; ; ) {
    const marker = bytes[at + 1];
    if (marker === undefined) throw corruptImage('the JPEG file is cut off');
    if (bytes[at] !== 0xff) throw corruptImage('a JPEG marker is missing');
    if (marker === endOfImage) break;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === startOfScan && ++scans > limits.imageScans)
      throw corruptImage(`it has more than ${limits.imageScans} JPEG scans`);
    at += 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
    if (marker === startOfScan) at = endOfScan(bytes, at);
  }
  if (scans > 1 && pixels > limits.heavyImagePixels) throw heavyImage('a JPEG in several scans', pixels);
}

/** Where the next marker stands. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = start; ; at += 1) {
    at = bytes.indexOf(0xff, at);
    if (at < 0) throw corruptImage('the JPEG file is cut off');
    if (!isPartOfScan(bytes[at + 1] ?? 0)) return at;
  }
}
