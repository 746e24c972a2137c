import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fetch } from '../../src/outbound/public-fetch.ts';

/** One request as it came. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The only public host of the tests. */
export const receiverHost = 'hooks.example.com';

/**
 * A server on the loopback interface that stands behind a public host's name: `fetch` carries requests for that name to
 * it over real connections, and refuses every other name.
 */
export class LoopbackReceiver {
  readonly received: Received[] = [];
  /** How the next requests are answered. */
  answer: (request: Received, response: ServerResponse) => void = (_, response) => void response.end();
  readonly #server: Server;
  /** Every URL that the network was asked for. */
  readonly called: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async started(): Promise<LoopbackReceiver> {
    const server = createServer();
    const receiver = new LoopbackReceiver(server);
    server.on('request', async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { method = '', url: path = '', headers } = request;
      const received = { method, path, headers, body: Buffer.concat(pieces).toString() };
      receiver.received.push(received);
      receiver.answer(received, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  readonly fetch: Fetch = (url, init) => {
    this.called.push(url);
    const { protocol, host, pathname, search } = new URL(url);
    if (protocol !== 'https:' || host !== receiverHost)
      return Promise.reject(new Error(`no route to ${url}`));
    const { port } = this.#server.address() as AddressInfo;
    return fetch(`http://127.0.0.1:${port}${pathname}${search}`, init);
  };

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
