import { connect } from 'node:net';

/** What came back over a connection: all bytes as Latin-1, and whether the server closed it. */
export interface RawAnswer {
  readonly text: string;
  readonly isClosed: boolean;
}

/** Bytes sent one after another, with pauses in milliseconds between them; `end` closes our half of the connection. */
export type RawPiece = string | Uint8Array | number | 'end';

const quietMs = 250;

/**
 * Sends bytes as they are, valid or not, and reads until the server closes or says nothing more.
 * @param patienceMs for the first byte of the answer, once all is sent
 */
export async function sendRaw(
  address: string,
  pieces: readonly RawPiece[],
  patienceMs = 2000,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  const closed = Promise.withResolvers<boolean>();
  const silent = Promise.withResolvers<boolean>();
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  const wait = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.resolve(false), milliseconds);
  };
  socket.on('data', (data) => {
    text += data.toString('latin1');
    if (timer !== undefined) wait(quietMs);
  });
  // A server that closes while we still write is no error of the test's.
  socket.on('error', () => undefined);
  socket.on('close', () => closed.resolve(true));
  for (const piece of pieces) {
    if (typeof piece === 'number') await new Promise((resolve) => setTimeout(resolve, piece));
    else if (piece === 'end') socket.end();
    else socket.write(piece);
  }
  wait(patienceMs);
  const isClosed = await Promise.race([closed.promise, silent.promise]);
  clearTimeout(timer);
  socket.destroy();
  return { text, isClosed };
}

/** One answer of a connection. */
export interface ParsedAnswer {
  readonly status: number;
  /** Of the Worker: whatever stands before it answers without. */
  readonly requestId: string | null;
  readonly code: string | null;
}

/** Every answer that came over a connection, interim ones left out. */
export function answersIn(text: string): ParsedAnswer[] {
  return text
    .split(/(?=HTTP\/1\.[01] \d{3})/)
    .map((answer) => ({
      status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0),
      requestId: /^x-request-id: (\S+)/im.exec(answer)?.[1] ?? null,
      code: /"code":"(\w+)"/.exec(answer)?.[1] ?? null,
    }))
    .filter(({ status }) => status >= 200);
}
