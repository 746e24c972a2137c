import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { build } from 'esbuild';

const RUNTIME = 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm';
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves an empty page, the script for it, the runtime and the models, on a free port of this machine. */
export class PageServer {
  readonly origin: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param damaged the one file of models that `/damaged` serves with its last bit flipped, `/models` as it is */
  static async start(damaged: string): Promise<PageServer> {
    const script = await bundle('test/browser/in-browser.ts');
    const read = async (path: string): Promise<Uint8Array> => {
      if (path === '/page.html') return Buffer.from('<!doctype html><title>Test</title>');
      if (path === '/in-browser.js') return script;
      if (path === '/runtime.wasm') return readFile(RUNTIME);
      const model = /^\/(models|damaged)\/([a-z0-9./_-]+)$/.exec(path);
      if (!model || path.includes('..')) throw new Error(`nothing at ${path}`);
      const bytes = await readFile(`models/${model[2]}`);
      return model[1] === 'damaged' && model[2] === damaged ? lastBitFlipped(bytes) : bytes;
    };
    const server = createServer((request, response) => {
      const path = request.url ?? '/';
      const type = TYPES[extname(path)] ?? 'application/octet-stream';
      read(path).then(
        (bytes) => response.writeHead(200, { 'content-type': type }).end(bytes),
        (error) => response.writeHead(404).end(String(error)),
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new PageServer(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }
}

/** A module of TypeScript with all that it imports, as one module for browsers. */
async function bundle(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
  });
  const [script] = outputFiles;
  if (!script) throw new Error(`${entry} made no script`);
  return script.contents;
}

function lastBitFlipped(bytes: Uint8Array): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 1;
  return flipped;
}
