/**
 * Frees values that nobody reads any more at once: the garbage collector hears of array buffers late, and tens of
 * megabytes would pile up. A view of a part of a buffer is left alone.
 */
export function free(...arrays: readonly ArrayBufferView[]): void {
  for (const { buffer, byteLength } of arrays)
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
