import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Runtime } from '../chaos/runtime.ts';
import { apiDocument, undocumented } from '../http/documented-answer.ts';
import { answersIn, type RawPiece, sendRaw } from '../http/raw-connection.ts';
import { SeededRandom } from '../seeded-random.ts';
import { fuzzedBytes } from './fuzzed-bytes.ts';
import { type FuzzedRequest, fuzzedRequest } from './fuzzed-request.ts';

/** Every so-manieth request is bytes over a bare connection; the others follow from the OpenAPI document. */
const rawEvery = 4;

const parallel = 16;

/** After so many requests, what they made is cleared away. */
const batch = 480;

/** How long a stream of events is listened to. */
const streamMs = 150;

const answerMs = 20_000;

/** For the first byte of an answer to bytes that may be no request. */
const rawPatienceMs = 400;

export interface FuzzFigures {
  readonly requests: number;
  readonly seed: number;
  /** Answers of the Worker by status: those with a request id. */
  readonly answers: Readonly<Record<string, number>>;
  /** Answers that the runtime gave without asking the Worker, by status. */
  readonly runtimeAnswers: Readonly<Record<string, number>>;
  /** Bytes that got no answer: no whole request, or cut off. */
  readonly unanswered: number;
  /** Answers of the Worker of 5xx. */
  readonly faults: number;
  /** Answers that the OpenAPI document does not allow. */
  readonly undocumented: number;
  /** Lines that the Worker or the runtime wrote about an error. */
  readonly logged: number;
  /** The same process answers at the end. */
  readonly isAlive: boolean;
}

type Ids = Readonly<Record<'paused' | 'completed', string>>;

/** Sends requests that a seed determines, and counts what comes back. */
export class FuzzCampaign {
  readonly #runtime: Runtime;
  readonly #seed: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: parallel });
  readonly #answers: Record<string, number> = {};
  readonly #runtimeAnswers: Record<string, number> = {};
  #unanswered = 0;
  #faults = 0;
  #undocumented = 0;
  #ids: Ids = { paused: '', completed: '' };
  /** Called with what was wrong at which request. */
  onProblem: (text: string) => void = () => undefined;

  constructor(runtime: Runtime, seed: number) {
    this.#runtime = runtime;
    this.#seed = seed;
  }

  async run(
    requests: number,
    first = 0,
    progress: (done: number) => void = () => undefined,
  ): Promise<FuzzFigures> {
    const { pid } = this.#runtime;
    const logged = this.#runtime.log.length;
    for (let from = first; from < first + requests; from += batch) {
      await this.#clear();
      const end = Math.min(from + batch, first + requests);
      let next = from;
      const lane = async () => {
        while (next < end) await this.#send(next++);
      };
      await Promise.all(Array.from({ length: parallel }, lane));
      progress(end - first);
    }
    const isAlive = (await this.#runtime.client.models()).length > 0 && this.#runtime.pid === pid;
    this.#agent.destroy();
    const lines = this.#runtime.log.slice(logged).filter((line) => !isOfConnect(line) && !isWarning(line));
    for (const line of lines) this.onProblem(line);
    return {
      requests,
      seed: this.#seed,
      answers: sorted(this.#answers),
      runtimeAnswers: sorted(this.#runtimeAnswers),
      unanswered: this.#unanswered,
      faults: this.#faults,
      undocumented: this.#undocumented,
      logged: lines.length,
      isAlive,
    };
  }

  /** Two videos in known states, and no others. */
  async #clear(): Promise<void> {
    const { client } = this.#runtime;
    const { data } = await client.list({ limit: 100 });
    await Promise.all(data.map(({ id }) => client.remove(id)));
    const paused = await client.create({ model: 'nano', frames: 10_000 });
    await client.pause(paused.id);
    const completed = await client.create({ model: 'nano', frames: 2, decode_steps: 1, head_steps: 1 });
    while ((await client.retrieve(completed.id)).status !== 'completed') await sleep(20);
    this.#ids = { paused: paused.id, completed: completed.id };
  }

  /** Every request has random numbers of its own, so that it is the same whichever came before. */
  async #send(index: number): Promise<void> {
    const random = new SeededRandom(this.#seed * 2 ** 24 + index);
    try {
      if (index % rawEvery === 0) await this.#sendBytes(index, fuzzedBytes(random));
      else await this.#sendRequest(index, fuzzedRequest(apiDocument, random));
    } catch (error) {
      this.#wrong(index, `no answer: ${error}`);
      this.#faults += 1;
    }
  }

  async #sendBytes(index: number, pieces: RawPiece[]): Promise<void> {
    const named = pieces.map((piece) => (piece instanceof Uint8Array ? this.#named(piece) : piece));
    const { text } = await sendRaw(this.#runtime.address, named, rawPatienceMs);
    const answers = answersIn(text);
    if (answers.length === 0) this.#unanswered += 1;
    for (const { status, requestId } of answers) this.#count(index, status, requestId, text);
  }

  async #sendRequest(index: number, fuzzed: FuzzedRequest): Promise<void> {
    const target = this.#named(Buffer.from(fuzzed.target)).toString();
    const body = fuzzed.body === null ? null : this.#named(fuzzed.body);
    const answer = await this.#answered({ ...fuzzed, target, body });
    this.#count(index, answer.status, answer.requestId, answer.text);
    if (answer.requestId === null || answer.status >= 500) return;
    const pathname = target.split('?')[0] ?? '';
    const problems = undocumented({ method: fuzzed.method, pathname, ...answer });
    if (problems.length === 0) return;
    this.#undocumented += 1;
    this.#wrong(index, `${fuzzed.method} ${target}: ${problems.join('; ')}`);
  }

  #answered({ method, target, headers, body }: FuzzedRequest) {
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number;
      requestId: string | null;
      contentType: string | null;
      text: string;
    }>();
    const url = new URL(this.#runtime.address);
    const options = { host: url.hostname, port: url.port, method, path: target, agent: this.#agent };
    const length = body === null ? {} : { 'content-length': body.length };
    const call = request({ ...options, headers: { ...headers, ...length } }, (response) => {
      const pieces: Buffer[] = [];
      const contentType = response.headers['content-type'] ?? null;
      const end = () => {
        const requestId = response.headers['x-request-id'] ?? null;
        const text = Buffer.concat(pieces).toString();
        resolve({
          status: response.statusCode ?? 0,
          requestId: requestId as string | null,
          contentType,
          text,
        });
      };
      response
        .on('data', (piece) => pieces.push(piece))
        .on('end', end)
        .on('error', reject);
      if (contentType === 'text/event-stream')
        setTimeout(() => {
          end();
          call.destroy();
        }, streamMs);
    });
    call.setTimeout(answerMs, () => call.destroy(new Error(`none in ${answerMs} ms`)));
    call.on('error', reject);
    call.end(body ?? undefined);
    return promise;
  }

  #count(index: number, status: number, requestId: string | null, text: string): void {
    const counts = requestId === null ? this.#runtimeAnswers : this.#answers;
    counts[status] = (counts[status] ?? 0) + 1;
    if (status < 500 || requestId === null) return;
    this.#faults += 1;
    this.#wrong(index, `${status} ${text.slice(0, 300)}`);
  }

  #named(bytes: Uint8Array): Buffer {
    const text = Buffer.from(bytes).toString('latin1');
    return Buffer.from(
      text.replaceAll('{paused}', this.#ids.paused).replaceAll('{completed}', this.#ids.completed),
      'latin1',
    );
  }

  #wrong(index: number, what: string): void {
    this.onProblem(`request ${index}, seed ${this.#seed}: ${what}`);
  }
}

/** A tunnel is asked of the Worker only here: deployed, CONNECT does not reach it. */
function isOfConnect(line: string): boolean {
  return line.includes('connect()') || line.includes('connect event');
}

/** workerd warns that an alarm is late, which a busy machine makes it. The Worker itself writes errors alone here. */
function isWarning(line: string): boolean {
  return /^\{"timestamp":"?\d+"?,"level":"warn","source":"workerd\//.test(line);
}

function sorted(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).toSorted());
}

export function isWell({ faults, undocumented: strange, logged, isAlive }: FuzzFigures): boolean {
  return faults === 0 && strange === 0 && logged === 0 && isAlive;
}
