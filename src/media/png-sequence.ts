import { Zip, ZipPassThrough } from 'fflate';

/** The earliest time that a ZIP can name: the same frames always give the same bytes. */
const earliest = new Date(1980, 0, 1);

/**
 * A ZIP archive of PNG files, a piece for every frame: frame-0000.png and so on, stored as they are, because PNG is
 * compressed already.
 */
export async function* encodePngSequence(
  frames: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let pieces: Uint8Array[] = [];
  const zip = new Zip((error, piece) => {
    if (error !== null) throw error;
    pieces.push(piece);
  });
  let index = 0;
  for await (const png of frames) {
    const file = new ZipPassThrough(`frame-${String(index++).padStart(4, '0')}.png`);
    file.mtime = earliest;
    zip.add(file);
    file.push(png, true);
    yield Buffer.concat(pieces);
    pieces = [];
  }
  zip.end();
  yield Buffer.concat(pieces);
}
