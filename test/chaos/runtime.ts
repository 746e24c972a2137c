import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { VideoClient } from '../../src/client/video-client.ts';
import { crashMarker } from '../../src/job/crash-point.ts';
import { serviceKey } from '../service-key.ts';
import { traceOf, type WakeTrace } from './wake-trace.ts';
import { type RecipeOptions, type Variables, WorkerRecipe } from './worker-recipe.ts';

/** workerd with the Worker over one data folder: started and killed as often as a test likes, at one address. */
export class Runtime {
  readonly client: VideoClient;
  readonly address: string;
  readonly #recipe: WorkerRecipe;
  #process: ChildProcess | undefined;
  #crash = Promise.withResolvers<void>();
  /** Warnings and errors of the running process. */
  readonly log: string[] = [];
  /** Called with what a traced wake tells, as soon as it does. */
  onWake: (trace: WakeTrace) => void = () => undefined;

  private constructor(recipe: WorkerRecipe) {
    this.#recipe = recipe;
    this.address = recipe.address;
    this.client = new VideoClient(recipe.address, serviceKey);
  }

  static async open(options: RecipeOptions): Promise<Runtime> {
    return new Runtime(await WorkerRecipe.make(options));
  }

  /** Id of the running process. */
  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('workerd is not running');
    return this.#process.pid;
  }

  /** Of a runtime that is opened to be inspected. */
  get inspectorPort(): number {
    if (this.#recipe.inspectorPort === undefined) throw new Error('workerd is not inspected');
    return this.#recipe.inspectorPort;
  }

  /** Resolves as soon as the process exists. */
  async start(variables: Variables = {}): Promise<Started> {
    if (this.#process !== undefined) throw new Error('workerd is running already');
    const child = spawn(this.#recipe.command, this.#recipe.arguments, {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: { TZ: 'UTC' },
    });
    this.#process = child;
    this.#crash = Promise.withResolvers();
    const listening = until(child.stdio[3] as Readable, (line) => line.includes(`"${this.#recipe.socket}"`));
    for (const output of [child.stdout, child.stderr]) this.#read(child, output as Readable);
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(this.#recipe.config(variables));
    await once(child, 'spawn');
    return { listening };
  }

  /** Starts, and waits until requests can be sent. */
  async serve(variables: Variables = {}): Promise<void> {
    const { listening } = await this.start(variables);
    if (!(await listening)) throw new Error(`workerd ended before it listened: ${this.log.join('\n')}`);
  }

  /** Resolves once the crash point is reached. */
  async crashed(seconds: number): Promise<void> {
    const late = sleep(seconds * 1000, 'late', { ref: false });
    if ((await Promise.race([this.#crash.promise, late])) === 'late')
      throw new Error(`the crash point was not reached in ${seconds} s: ${this.log.slice(-5).join('\n')}`);
  }

  /** kill -9 at this very moment; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    await this.#recipe.close();
  }

  #read(child: ChildProcess, output: Readable): void {
    createInterface({ input: output }).on('line', (line) => {
      // What a process that was killed has said before comes late, and tells of no wake that there still is.
      const trace = child === this.#process ? traceOf(line) : null;
      if (trace !== null) this.onWake(trace);
      else if (line.includes(crashMarker)) this.#crash.resolve();
      else this.log.push(line);
    });
  }
}

interface Started {
  /** True once requests can be sent; false where the process ended before. */
  readonly listening: Promise<boolean>;
}

async function until(input: Readable, isIt: (line: string) => boolean): Promise<boolean> {
  input.on('error', () => undefined);
  for await (const line of createInterface({ input })) if (isIt(line)) return true;
  return false;
}
