import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pngChunks } from '../../src/media/png-chunk.ts';
import { readGif } from '../media/gif-reader.ts';
import { computedMilliseconds, residentMebibytes } from './process-figures.ts';
import { Runtime } from './runtime.ts';
import { StoredState } from './stored-state.ts';

/** As few as still make each frame out of parts of it. */
const order = { model: 'nano', decode_steps: 2, head_steps: 2, seed: 1 };

/** The early frame that later ones are compared with. */
const earlyFrame = 50;

/** So many frames from one on stand for it. */
const neighbours = 200;

/** What a long video cost as it grew, and what downloading it took. */
export interface LongFigures {
  readonly seconds: number;
  /** What the service computes for a frame in the middle, and for the last ones, over what it does for an early one. */
  readonly costOfMiddle: number;
  readonly costOfLast: number;
  /** Bytes in storage of a frame of the first half, and of the second. */
  readonly bytesPerFrame: { readonly firstHalf: number; readonly secondHalf: number };
  /** Frames whose K and V are in storage, early and in the end. */
  readonly cachedFrames: { readonly early: number; readonly last: number };
  readonly gif: DownloadFigures;
  readonly apng: DownloadFigures;
}

interface DownloadFigures {
  readonly frames: number;
  readonly mebibytes: number;
  /** Memory of the process at its highest while it was read, beyond what it was before. */
  readonly growthMebibytes: number;
}

/** Makes one video of so many frames, watches its storage, and downloads it. */
export async function makeLongVideo(
  dataFolder: string,
  frames: number,
  progress: (made: number) => void,
): Promise<LongFigures> {
  const runtime = await Runtime.open({ dataFolder });
  const state = new StoredState(join(dataFolder, 'do'));
  try {
    await runtime.serve();
    const began = performance.now();
    const { id } = await runtime.client.create({ ...order, frames });
    const looks = await looksWhileMade(runtime, state, { id, frames }, progress);
    return {
      seconds: Math.round((performance.now() - began) / 1000),
      ...growthOf(looks, frames),
      gif: await downloaded(runtime, id, 'gif'),
      apng: await downloaded(runtime, id, 'apng'),
    };
  } finally {
    await runtime.close();
  }
}

interface Look extends ReturnType<StoredState['size']> {
  /** Of the service so far. */
  readonly computedMs: number;
}

/** Looks at the storage beside the service until the video is finished. */
async function looksWhileMade(
  { pid }: Runtime,
  state: StoredState,
  { id, frames }: { id: string; frames: number },
  progress: (made: number) => void,
): Promise<Look[]> {
  const looks: Look[] = [];
  for (; (looks.at(-1)?.frames ?? 0) < frames; await sleep(1000)) {
    if (state.job(id)?.status === 'failed') throw new Error(`the video failed: ${state.job(id)?.error}`);
    looks.push({ ...state.size(id), computedMs: computedMilliseconds(pid) });
    progress(looks.at(-1)?.frames ?? 0);
  }
  return looks;
}

function growthOf(
  looks: readonly Look[],
  frames: number,
): Pick<LongFigures, 'costOfMiddle' | 'costOfLast' | 'bytesPerFrame' | 'cachedFrames'> {
  const from = (frame: number) => looks.find((look) => look.frames >= frame) as Look;
  const perFrame = (what: 'bytes' | 'computedMs', a: Look, b: Look) =>
    (b[what] - a[what]) / (b.frames - a.frames);
  const cost = (frame: number) => perFrame('computedMs', from(frame), from(frame + neighbours));
  const [early, middle, last] = [from(earlyFrame), from(frames / 2), from(frames)];
  return {
    costOfMiddle: rounded(cost(frames / 2) / cost(earlyFrame)),
    costOfLast: rounded(cost(frames - neighbours) / cost(earlyFrame)),
    bytesPerFrame: {
      firstHalf: Math.round(perFrame('bytes', early, middle)),
      secondHalf: Math.round(perFrame('bytes', middle, last)),
    },
    cachedFrames: { early: early.cachedFrames, last: last.cachedFrames },
  };
}

async function downloaded(runtime: Runtime, id: string, format: 'gif' | 'apng'): Promise<DownloadFigures> {
  const before = residentMebibytes(runtime.pid);
  let highest = before;
  const look = setInterval(() => {
    highest = Math.max(highest, residentMebibytes(runtime.pid));
  }, 20);
  try {
    const bytes = await runtime.client.content(id, { format });
    return {
      frames: format === 'gif' ? readGif(bytes).frames.length : apngFrames(bytes),
      mebibytes: rounded(bytes.length / 2 ** 20),
      growthMebibytes: rounded(highest - before),
    };
  } finally {
    clearInterval(look);
  }
}

/** Every frame of an APNG has one chunk of control. */
function apngFrames(bytes: Uint8Array): number {
  return pngChunks(bytes, (reason) => new Error(reason)).filter(({ type }) => type === 'fcTL').length;
}

function rounded(value: number): number {
  return Math.round(100 * value) / 100;
}
