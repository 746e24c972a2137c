import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath, URL } from 'node:url';

/** The Worker, running in the real runtime on this machine. */
export interface LocalService {
  /** Such as http://127.0.0.1:8787 */
  readonly address: string;
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

/** On this machine nobody should have to think about money. */
const startingCredits = 1_000_000_000;

/** Wrangler asks the network for nothing: no metrics, no description of a Cloudflare request. */
export const quietEnvironment = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
};

/**
 * Starts the Worker with wrangler.toml on the loopback interface.
 * @throws where the port is taken or the Worker does not build
 */
export async function startLocalService({
  port,
  dataFolder,
  onLog,
}: LocalServiceOptions): Promise<LocalService> {
  await checkPortIsFree(port);
  Object.assign(process.env, quietEnvironment);
  const { unstable_startWorker: startWorker } = await import('wrangler');
  const worker = await startWorker({
    config: configFile,
    bindings: { STARTING_CREDITS: { type: 'plain_text', value: String(startingCredits) } },
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
  return { address: (await worker.url).origin, stop: () => worker.dispose() };
}

/** Wrangler waits without a word where the port is taken. */
async function checkPortIsFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}
