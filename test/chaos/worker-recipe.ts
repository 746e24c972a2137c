import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { build } from 'esbuild';
import {
  convertV4MiniflareOptions,
  Miniflare,
  type Request as MiniflareRequest,
  type Response as MiniflareResponse,
} from 'miniflare';
import { unstable_getMiniflareWorkerOptions as workerOptions } from 'wrangler';
import { serviceKey } from '../service-key.ts';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Variables are as long as this in the configuration, so that a value can be put in place of another. */
const variableBytes = 48;

/** Variables that a test may set anew at each start. */
const tunable = { CRASH_POINT: '', WAKE_SECONDS: '3', EXPIRY_DAYS: '30', UNFINISHED_VIDEOS: '100' };

const entries = {
  plain: '../../src/worker.ts',
  traced: 'traced-worker.ts',
  direct: 'direct-worker.ts',
  decoding: 'decoding-worker.ts',
};

export type Variables = Partial<typeof tunable>;

export interface RecipeOptions {
  /** Folder of the objects' storage. */
  readonly dataFolder: string;
  /** Folder of the models; models/ where there is none. */
  readonly modelsFolder?: string | undefined;
  readonly v8Flags?: string | undefined;
  /**
   * `traced`: wakes print what wake-trace.ts reads; `direct`: requests go to the Worker past miniflare's own server;
   * `decoding`: it decodes images, see decoding-worker.ts.
   */
  readonly kind?: keyof typeof entries;
  /** What answers in place of the internet; the internet itself where there is none. */
  readonly outside?: (request: MiniflareRequest) => MiniflareResponse | Promise<MiniflareResponse>;
  /** Opens the runtime's inspector. */
  readonly isInspected?: boolean;
}

/** All that workerd needs to run the Worker of wrangler.toml, made once: starting workerd with it is cheap. */
export class WorkerRecipe {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly address: string;
  /** What workerd calls the socket at that address. */
  readonly socket: string;
  readonly inspectorPort: number | undefined;
  readonly #config: Buffer;
  readonly #close: () => Promise<void>;

  private constructor(
    made: Pick<WorkerRecipe, 'command' | 'arguments' | 'address' | 'socket' | 'inspectorPort'>,
    config: Buffer,
    close: () => Promise<void>,
  ) {
    this.command = made.command;
    this.arguments = made.arguments;
    this.address = made.address;
    this.socket = made.socket;
    this.inspectorPort = made.inspectorPort;
    this.#config = config;
    this.#close = close;
  }

  static async make(options: RecipeOptions): Promise<WorkerRecipe> {
    const folder = await mkdtemp(join(tmpdir(), 'magi-recipe-'));
    const port = await freePort();
    const directPort = await freePort();
    process.env.MAGI_CAPTURE = folder;
    process.env.MINIFLARE_WORKERD_PATH = pathOf('captured-workerd.sh');
    process.env.MINIFLARE_WORKERD_V8_FLAGS = options.v8Flags ?? '';
    const miniflare = new Miniflare(
      await miniflareOptions(options, join(folder, 'bundle'), port, directPort),
    );
    await miniflare.ready;
    const given = (await readFile(join(folder, 'arguments'), 'utf8')).trim().split('\n');
    const config = await readFile(join(folder, 'config'));
    const isDirect = options.kind === 'direct';
    const inspectorPort = options.isInspected ? await freePort() : undefined;
    const inspector = options.isInspected ? [`--inspector-addr=127.0.0.1:${inspectorPort}`] : [];
    const made = {
      command: workerd(),
      arguments: [...given, ...inspector],
      address: `http://127.0.0.1:${isDirect ? directPort : port}`,
      socket: isDirect ? 'direct:0:DirectEntrance' : 'entry',
      inspectorPort,
    };
    return new WorkerRecipe(made, config, async () => {
      await miniflare.dispose();
      await rm(folder, { recursive: true, force: true });
    });
  }

  /** What workerd reads. */
  config(variables: Variables): Buffer {
    const config = Buffer.from(this.#config);
    for (const [name, byDefault] of Object.entries(tunable)) {
      const at = config.indexOf(placeholder(name));
      const value = variables[name as keyof Variables] ?? byDefault;
      if (at < 0 || value.length > variableBytes) throw new RangeError(`${name} cannot be set to "${value}"`);
      config.write(value.padEnd(variableBytes), at);
    }
    return config;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function placeholder(name: string): string {
  return `@${name}`.padEnd(variableBytes, '@');
}

/** What is changed of what wrangler reads. */
interface FromToml {
  readonly bindings: Record<string, string>;
  readonly assets: object;
}

async function miniflareOptions(recipe: RecipeOptions, bundle: string, port: number, directPort: number) {
  const { dataFolder, modelsFolder, kind = 'plain', outside } = recipe;
  const read = workerOptions(pathOf('../../wrangler.toml'));
  const { workerOptions: options } = read as unknown as { workerOptions: FromToml };
  const placeholders = Object.fromEntries(Object.keys(tunable).map((name) => [name, placeholder(name)]));
  await build({
    entryPoints: { worker: pathOf(entries[kind]) },
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.wasm': 'copy' },
    outdir: bundle,
    logLevel: 'error',
  });
  const files = (await readdir(bundle)).filter((file) => file !== 'worker.js');
  return convertV4MiniflareOptions({
    ...options,
    modulesRules: undefined,
    name: 'magi-worker',
    modules: ['worker.js', ...files].map((file) => ({
      type: file.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule',
      path: join(bundle, file),
    })),
    modulesRoot: bundle,
    bindings: {
      ...options.bindings,
      STARTING_CREDITS: '1000000000',
      ACCOUNT_REQUESTS: '1000000000',
      ADDRESS_REFUSALS: '1000000000',
      RATES_COUNTED_BY: 'isolate',
      LOG_LEVEL: 'error',
      ...placeholders,
      ADMIN_KEY: serviceKey,
    },
    ...(modelsFolder === undefined ? {} : { assets: { ...options.assets, directory: modelsFolder } }),
    ...(outside === undefined ? {} : { outboundService: outside }),
    ...(kind === 'direct' ? { unsafeDirectSockets: [direct(directPort)] } : {}),
    ...{ host: '127.0.0.1', port, cf: false, logRequests: false, resourcePersistencePath: dataFolder },
  } as Parameters<typeof convertV4MiniflareOptions>[0]);
}

function direct(port: number) {
  return { host: '127.0.0.1', port, entrypoint: 'DirectEntrance' };
}

/** The binary that miniflare would start. */
function workerd(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('miniflare'));
  return require('workerd').default;
}

async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
  return promise;
}
