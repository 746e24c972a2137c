import { Agent, get, type IncomingMessage } from 'node:http';

/** Streams that are being opened at a time. */
const batch = 50;

/** Many streams of events of one video, from the first event to the end of the video. */
export class EventCrowd {
  readonly #streams: readonly Stream[];

  private constructor(streams: readonly Stream[]) {
    this.#streams = streams;
  }

  /** Opens so many streams; resolves when each of them has heard something. */
  static async gather(url: string, headers: Record<string, string>, count: number): Promise<EventCrowd> {
    const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
    const streams: Stream[] = [];
    while (streams.length < count) {
      const size = Math.min(batch, count - streams.length);
      const next = Array.from({ length: size }, () => new Stream(url, headers, agent));
      await Promise.all(next.map((stream) => stream.heard));
      streams.push(...next);
    }
    return new EventCrowd(streams);
  }

  /** Streams that got frames 0 to `frames` - 1, each once and in order, and then the end, once all have ended. */
  async complete(frames: number): Promise<number> {
    await Promise.all(this.#streams.map((stream) => stream.ended));
    const expected = Array.from({ length: frames }, (_, index) => String(index)).join();
    return this.#streams.filter(({ ids, isCompleted }) => isCompleted && ids.join() === expected).length;
  }
}

/** One stream; it does not reconnect. */
class Stream {
  readonly ids: string[] = [];
  isCompleted = false;
  /** Resolves with the first event, or where there is none. */
  readonly heard: Promise<void>;
  readonly ended: Promise<void>;

  constructor(url: string, headers: Record<string, string>, agent: Agent) {
    const first = Promise.withResolvers<void>();
    const last = Promise.withResolvers<void>();
    this.heard = first.promise;
    this.ended = last.promise;
    const ended = () => {
      first.resolve();
      last.resolve();
    };
    get(url, { headers, agent }, (answer) => this.#read(answer, first.resolve, ended)).on('error', ended);
  }

  #read(answer: IncomingMessage, heard: () => void, ended: () => void): void {
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('id: ')) this.ids.push(line.slice(4));
        if (line.startsWith('event: ')) heard();
        if (line === 'event: completed') this.isCompleted = true;
      }
    });
    answer.on('close', ended).on('error', ended);
  }
}
