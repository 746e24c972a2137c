/**
 * A stream that asks for the next piece when its reader does and not before, so that a slow reader holds up nobody and
 * nothing piles up. A reader that goes away ends the generator.
 * @param onBreak is told what broke the stream off: the answer has begun, so that its reader cannot be
 */
export function byteStream(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  onBreak: (error: unknown) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isCancelled = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next();
          if (isCancelled) return;
          if (done) controller.close();
          else controller.enqueue(value as Uint8Array<ArrayBuffer>);
        } catch (error) {
          onBreak(error);
          throw error;
        }
      },
      cancel() {
        isCancelled = true;
        // A piece that is being waited for need not come first.
        void pieces.return().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * The same pieces, of which the first is made already: what it throws can still become another answer.
 * @throws what the first piece throws
 */
export async function begun(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  const first = await pieces.next();
  return (async function* () {
    try {
      if (!first.done) yield first.value;
      yield* pieces;
    } finally {
      await pieces.return();
    }
  })();
}
