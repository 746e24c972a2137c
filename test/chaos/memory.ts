import { residentMebibytes } from './process-figures.ts';
import { Runtime } from './runtime.ts';

/** As much as a Worker may have: 128 MiB of JavaScript, 2048 pages of 64 KiB of WebAssembly. */
const v8Flags = '--max-old-space-size=128 --wasm-max-mem-pages=2048';

export interface MemoryFigures {
  readonly jobs: number;
  readonly idleMebibytes: number;
  /** Peak of the first video: what loading takes. */
  readonly firstMebibytes: number;
  readonly peakMebibytes: number;
  readonly growthMebibytes: number;
}

/** Makes videos one after another under the caps of a Worker, and watches the memory of the process. */
export async function watchMemory(
  dataFolder: string,
  jobs: number,
  progress: (done: number) => void,
): Promise<MemoryFigures> {
  const runtime = await Runtime.open({ dataFolder, v8Flags });
  const { client } = runtime;
  let peak = 0;
  let first = 0;
  const look = () => {
    peak = Math.max(peak, residentMebibytes(runtime.pid));
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    await runtime.serve();
    await client.models();
    const idle = residentMebibytes(runtime.pid);
    timer = setInterval(look, 50);
    for (let done = 0; done < jobs; done++) {
      const { id } = await client.create({ model: 'nano', frames: 12, seed: done });
      for await (const event of client.follow(id))
        if (event.type === 'failed') throw new Error(`video ${done} failed: ${event.data.error?.message}`);
      if (done === 0) first = peak;
      progress(done + 1);
    }
    const [idleMebibytes, firstMebibytes, peakMebibytes] = [idle, first, peak].map(Math.round) as [
      number,
      number,
      number,
    ];
    return {
      jobs,
      ...{ idleMebibytes, firstMebibytes, peakMebibytes },
      growthMebibytes: peakMebibytes - idleMebibytes,
    };
  } finally {
    clearInterval(timer);
    await runtime.close();
  }
}
