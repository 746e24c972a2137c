import { once } from 'node:events';

const mebibyte = 2 ** 20;

/** The isolate of the Worker itself among those that miniflare adds. */
const isolateName = 'core:user:magi-worker';

/** An inspector's answer to one command; `method` where it tells of something by itself. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: every command has another answer
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly result?: any;
  readonly error?: { readonly message: string };
}

/**
 * What a Worker's limit of 128 MB counts, asked through the runtime's inspector: JavaScript, array buffers and
 * WebAssembly memory of one isolate.
 */
export class IsolateMemory {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, PromiseWithResolvers<Message>>();
  readonly #context = Promise.withResolvers<number>();
  #commands = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#heard(JSON.parse(data)));
  }

  /** @param port of the inspector */
  static async open(port: number): Promise<IsolateMemory> {
    const answer = await fetch(`http://127.0.0.1:${port}/json`);
    const isolates = (await answer.json()) as { id: string; webSocketDebuggerUrl: string }[];
    const isolate = isolates.find(({ id }) => id === isolateName);
    if (isolate === undefined) throw new Error(`the inspector knows no ${isolateName}`);
    const socket = new WebSocket(isolate.webSocketDebuggerUrl);
    await once(socket, 'open');
    return new IsolateMemory(socket);
  }

  /** JavaScript and array buffers at this moment, what the next garbage collection frees included. */
  async heapMebibytes(): Promise<number> {
    const { usedSize, backingStorageSize } = await this.#ask('Runtime.getHeapUsage');
    return (usedSize + backingStorageSize) / mebibyte;
  }

  /** All WebAssembly memories, which never shrink. Collects garbage first. */
  async webAssemblyMebibytes(): Promise<number> {
    await this.#ask('Runtime.enable');
    const contextId = await this.#context.promise;
    const expression = 'WebAssembly.Memory.prototype';
    const { result } = await this.#ask('Runtime.evaluate', { contextId, expression });
    const { objects } = await this.#ask('Runtime.queryObjects', { prototypeObjectId: result.objectId });
    const sum = await this.#ask('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration:
        'function () { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0); }',
      returnByValue: true,
    });
    return sum.result.value / mebibyte;
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(method: string, params: object = {}): Promise<Message['result']> {
    const id = ++this.#commands;
    const answer = Promise.withResolvers<Message>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer.promise;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #heard(message: Message): void {
    if (message.method === 'Runtime.executionContextCreated')
      this.#context.resolve(message.params.context.id);
    if (message.id !== undefined) this.#answers.get(message.id)?.resolve(message);
  }
}
