import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { keyText } from '../contract/key-text.ts';

/** The Worker, running in the real runtime on this machine. */
export interface LocalService {
  /** Such as http://127.0.0.1:8787 */
  readonly address: string;
  /** A key that may do everything. */
  readonly key: string;
  stop(): Promise<void>;
}

export interface LocalServiceOptions {
  /** 0 = any free port */
  readonly port: number;
  /** Folder of the objects' storage; what is in there goes on by itself. */
  readonly dataFolder: string;
  /** Is given what the Worker writes to its log; standard output and error where it is left out. */
  readonly onLog?: ((text: string) => void) | undefined;
}

const configFile = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));

/** On this machine nobody should have to think about money, or about how often he asks. */
const plenty = '1000000000';

/** Wrangler asks the network for nothing: no metrics, no description of a Cloudflare request. */
export const quietEnvironment = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
};

/**
 * Starts the Worker with wrangler.toml on the loopback interface. Its configured key is the one in the environment
 * variable ADMIN_KEY, or the data folder's own.
 * @throws where the port is taken or the Worker does not build
 */
export async function startLocalService({
  port,
  dataFolder,
  onLog,
}: LocalServiceOptions): Promise<LocalService> {
  await checkPortIsFree(port);
  Object.assign(process.env, quietEnvironment);
  const key = process.env.ADMIN_KEY ?? (await developmentKey(dataFolder));
  const { unstable_startWorker: startWorker } = await import('wrangler');
  const worker = await startWorker({
    config: configFile,
    bindings: {
      ADMIN_KEY: { type: 'secret_text', value: key },
      STARTING_CREDITS: { type: 'plain_text', value: plenty },
      ACCOUNT_REQUESTS: { type: 'plain_text', value: plenty },
      ADDRESS_REFUSALS: { type: 'plain_text', value: plenty },
      RATES_COUNTED_BY: { type: 'plain_text', value: 'isolate' },
    },
    dev: {
      server: { hostname: '127.0.0.1', port },
      persist: dataFolder,
      watch: false,
      liveReload: false,
      inspector: false,
      logLevel: 'error',
      ...(onLog === undefined
        ? {}
        : { structuredLogsHandler: ({ message }: { message: string }) => onLog(message) }),
    },
  });
  await worker.ready;
  return { address: (await worker.url).origin, key, stop: () => worker.dispose() };
}

/** The key of a data folder: made when the folder is first used, and then kept in it. */
async function developmentKey(dataFolder: string): Promise<string> {
  const file = join(dataFolder, 'development-key');
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return kept.trim();
  const key = keyText(randomBytes(32));
  await mkdir(dataFolder, { recursive: true });
  await writeFile(file, `${key}\n`, { mode: 0o600 });
  return key;
}

/** Wrangler waits without a word where the port is taken. */
async function checkPortIsFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}
