import { linkSigner } from '../../src/access/link-signer.ts';
import { isolateRate } from '../../src/access/request-rate.ts';
import { localAccount } from '../../src/contract/access.ts';
import { limits } from '../../src/contract/config.ts';
import type { Video } from '../../src/contract/job.ts';
import type { Log } from '../../src/contract/log.ts';
import { createApp } from '../../src/http/app.ts';
import type { Services } from '../../src/http/services.ts';
import { imageDecoder } from '../../src/media/image-decoder.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { codecModules } from '../media/sample-image.ts';
import { authorized, serviceKey } from '../service-key.ts';
import { undocumented } from './documented-answer.ts';
import { MemoryJobs } from './memory-jobs.ts';
import { MemoryKeys } from './memory-keys.ts';
import { MemoryLedger } from './memory-ledger.ts';

const decodeImage = imageDecoder(await codecModules());
const app = createApp();
const rateOf = (requests: number) => isolateRate({ requests, periodSeconds: 10 }, Date.now);
const links = linkSigner({ secrets: [serviceKey], hours: limits.linkHours, clock: () => 1_700_000_000_000 });

/** The API over jobs in memory and one made-up model. */
export class TestService {
  readonly jobs = new MemoryJobs();
  readonly keys = new MemoryKeys();
  readonly #ledgers = new Map<string, MemoryLedger>();
  /** What was written to the log. */
  readonly log: Parameters<Log>[0][] = [];
  readonly #services: Services;

  constructor(changes: Partial<Services> = {}) {
    this.#services = {
      jobsOf: () => this.jobs,
      keys: this.keys,
      links,
      rates: { account: rateOf(10_000), refusals: rateOf(10_000) },
      models: {
        names: ['sample'],
        byDefault: 'sample',
        manifest: async (name) => (name === 'sample' ? sampleManifest : null),
        build: async () => 'build-1',
      },
      decodeImage,
      fetch: () => Promise.reject(new Error('nothing is fetched here')),
      randomSeed: () => 4711,
      ledgerOf: (account) => this.ledgerOf(account),
      payments: null,
      speed: { multiplyAddsPerSecond: 10_000, wakeSeconds: 3 },
      multiplyAddsPerCredit: 1000,
      bodySeconds: 5,
      allowedOrigins: [],
      log: (line) => this.log.push(line),
      clock: Date.now,
      ...changes,
    };
  }

  /** Of the account whose key the requests carry. */
  get ledger(): MemoryLedger {
    return this.ledgerOf(localAccount);
  }

  ledgerOf(account: string): MemoryLedger {
    const ledger = this.#ledgers.get(account) ?? new MemoryLedger();
    this.#ledgers.set(account, ledger);
    return ledger;
  }

  /** Carries the requests of a client. */
  readonly send = async (request: Request): Promise<Response> =>
    asDocumented(request.method, request.url, await app.fetch(request, this.#services));

  /** With the configured key, unless there is another header of that name. */
  request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', authorized.authorization);
    return this.ask(path, { ...init, headers });
  }

  /** As it stands. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const answer = await app.request(path, init, this.#services);
    return asDocumented(init.method ?? 'GET', new URL(path, 'http://service.invalid').href, answer);
  }

  postJson(body: unknown, path?: string): Promise<Response> {
    return this.postText(JSON.stringify(body), {}, path);
  }

  postText(body: BodyInit, headers: Record<string, string> = {}, path = '/v1/videos'): Promise<Response> {
    return this.request(path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  postForm(fields: Record<string, string | Uint8Array<ArrayBuffer>>, path = '/v1/videos'): Promise<Response> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      form.append(name, typeof value === 'string' ? value : new Blob([value]));
    }
    return this.request(path, { method: 'POST', body: form });
  }

  async created(body: unknown = {}): Promise<Video> {
    const response = await this.postJson(body);
    if (response.status !== 200) throw new Error(await response.text());
    return response.json() as Promise<Video>;
  }
}

/** The answer, once it is what the OpenAPI document says of it. */
async function asDocumented(method: string, url: string, answer: Response): Promise<Response> {
  const contentType = answer.headers.get('content-type');
  const isJson = contentType?.startsWith('application/json') === true;
  const found = undocumented({
    method,
    pathname: new URL(url).pathname,
    status: answer.status,
    contentType,
    text: isJson ? await answer.clone().text() : '',
  });
  if (found.length > 0) throw new Error(`${method} ${url}, not as documented: ${found.join('; ')}`);
  return answer;
}

/** Status, code and field of a refusal; checks the shape that all of them have. */
export async function refusal(answer: Promise<Response>): Promise<[number, string, string | null]> {
  const response = await answer;
  const text = await response.text();
  const { error } = JSON.parse(text) as {
    error: { message: string; type: string; code: string; param: string | null };
  };
  if (response.status < 500 && error.type !== 'invalid_request_error') throw new Error(`type ${error.type}`);
  if (error.message.length < 20 || text.includes('    at ')) throw new Error(`no good message: ${text}`);
  return [response.status, error.code, error.param];
}
