/** One server-sent event, or a comment, whose name is empty. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/**
 * Cuts a stream of server-sent events into events (HTML standard, section 9.2.6). An event that the stream breaks off
 * in is none.
 * @param silenceMs so long without a byte, and the stream counts as dead
 * @throws what reading throws; where the stream falls silent
 */
export async function* serverEvents(
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
): AsyncGenerator<ServerEvent> {
  let name = 'message';
  let data: string[] = [];
  for await (const line of lines(body, silenceMs)) {
    if (line === '') {
      if (data.length > 0) yield { name, data: data.join('\n') };
      name = 'message';
      data = [];
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) as unknown as [string, string, string];
    if (field === '') yield { name: '', data: value };
    else if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
}

/** Lines that end with CR LF, LF or CR; the rest after the last end is none. */
async function* lines(body: ReadableStream<Uint8Array>, silenceMs: number): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = '';
  try {
    while (true) {
      const { done, value } = await beforeSilence(reader.read(), silenceMs);
      if (done) return;
      const text = rest + value;
      // A CR at the end of what is there may be half of a CR LF.
      const ends = /\r\n|\n|\r(?!$)/g;
      let start = 0;
      for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
        yield text.slice(start, end.index);
        start = ends.lastIndex;
      }
      rest = text.slice(start);
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

async function beforeSilence<T>(answer: Promise<T>, silenceMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the stream of events fell silent')), silenceMs);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
