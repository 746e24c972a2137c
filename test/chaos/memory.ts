import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { IsolateMemory } from './isolate-memory.ts';
import { privateMebibytes, residentMebibytes } from './process-figures.ts';
import { Runtime } from './runtime.ts';

/** As much as a Worker may have: 128 MiB of JavaScript, 2048 pages of 64 KiB of WebAssembly. */
const v8Flags = '--max-old-space-size=128 --wasm-max-mem-pages=2048';

const models = ['nano', 'sprite'];

const firstFrame = join(import.meta.dirname, '../../examples/first-frame.png');

const frames = 12;

const lookEveryMs = 50;

export interface MemoryFigures {
  /** Memory of the process that is no view of a file. */
  readonly idleMebibytes: number;
  /** Peak of the first video: what loading takes. */
  readonly firstMebibytes: number;
  readonly peakMebibytes: number;
  readonly growthMebibytes: number;
  /** Growth with the pages of files: the runtime's own code, as it is used for the first time. */
  readonly residentGrowthMebibytes: number;
  /** What a Worker's limit counts, at its peak: JavaScript, array buffers and WebAssembly of the one isolate. */
  readonly isolateMebibytes: number;
}

/** Makes so many videos of each model, each model in a fresh process under the caps of a Worker, and watches the memory. */
export async function watchMemory(
  folder: string,
  jobs: number,
  progress: (done: number, of: number) => void,
): Promise<Record<string, MemoryFigures>> {
  const figures: Record<string, MemoryFigures> = {};
  for (const [index, model] of models.entries())
    figures[model] = await watchModel(join(folder, model), model, jobs, (done) =>
      progress(index * jobs + done, models.length * jobs),
    );
  return figures;
}

async function watchModel(
  dataFolder: string,
  model: string,
  jobs: number,
  progress: (done: number) => void,
): Promise<MemoryFigures> {
  const runtime = await Runtime.open({ dataFolder, v8Flags, isInspected: true });
  try {
    await runtime.serve();
    await runtime.client.models();
    const watch = await MemoryWatch.begin(runtime);
    for (let done = 0; done < jobs; done++) {
      await makeVideo(runtime, model, done);
      if (done === 0) watch.markFirst();
      progress(done + 1);
    }
    return await watch.end();
  } finally {
    await runtime.close();
  }
}

/** Every other video begins with a given first frame. */
async function makeVideo({ client }: Runtime, model: string, seed: number): Promise<void> {
  const given = seed % 2 === 1 ? { image: await readFile(firstFrame) } : {};
  const { id } = await client.create({ model, frames, seed, ...given });
  for await (const event of client.follow(id))
    if (event.type === 'failed') throw new Error(`video ${seed} failed: ${event.data.error?.message}`);
}

/** Looks at a process again and again. */
class MemoryWatch {
  readonly #pid: number;
  readonly #isolate: IsolateMemory;
  readonly #idle: { readonly private: number; readonly resident: number };
  readonly #peak = { private: 0, resident: 0, heap: 0 };
  #first = 0;
  #isOver = false;
  readonly #looking: Promise<void>;

  private constructor(pid: number, isolate: IsolateMemory) {
    this.#pid = pid;
    this.#isolate = isolate;
    this.#idle = { private: privateMebibytes(pid), resident: residentMebibytes(pid) };
    this.#looking = this.#look();
  }

  static async begin({ pid, inspectorPort }: Runtime): Promise<MemoryWatch> {
    return new MemoryWatch(pid, await IsolateMemory.open(inspectorPort));
  }

  markFirst(): void {
    this.#first = this.#peak.private;
  }

  async end(): Promise<MemoryFigures> {
    this.#isOver = true;
    await this.#looking;
    const webAssembly = await this.#isolate.webAssemblyMebibytes();
    this.#isolate.close();
    return {
      idleMebibytes: Math.round(this.#idle.private),
      firstMebibytes: Math.round(this.#first),
      peakMebibytes: Math.round(this.#peak.private),
      growthMebibytes: Math.round(this.#peak.private - this.#idle.private),
      residentGrowthMebibytes: Math.round(this.#peak.resident - this.#idle.resident),
      isolateMebibytes: Math.round(this.#peak.heap + webAssembly),
    };
  }

  async #look(): Promise<void> {
    for (; !this.#isOver; await sleep(lookEveryMs)) {
      this.#peak.private = Math.max(this.#peak.private, privateMebibytes(this.#pid));
      this.#peak.resident = Math.max(this.#peak.resident, residentMebibytes(this.#pid));
      this.#peak.heap = Math.max(this.#peak.heap, await this.#isolate.heapMebibytes());
    }
  }
}
