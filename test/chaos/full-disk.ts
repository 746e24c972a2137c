import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Runtime } from './runtime.ts';
import { StoredState, sha256 } from './stored-state.ts';

const run = promisify(execFile);

const diskMebibytes = 64;

/** What is left free: too little for the video. */
const roomBytes = 200 * 1024;

const frames = 40;

export interface FullDiskFigures {
  /** Frames when the disk was full, and a moment later. */
  readonly framesOnFullDisk: number;
  readonly different: number;
  readonly completed: boolean;
}

/**
 * Fills the disk under a working service, kills it once meanwhile, makes room, and lets the video finish.
 * @throws where this user may not mount a file system
 */
export async function fillDisk(folder: string, say: (line: string) => void): Promise<FullDiskFigures> {
  await mkdir(folder, { recursive: true });
  await mount(folder);
  const runtime = await Runtime.open({ dataFolder: join(folder, 'data') });
  try {
    const state = new StoredState(join(folder, 'data', 'do'));
    await runtime.serve();
    const expected = await video(runtime, state, (await order(runtime)).id);
    const { id } = await order(runtime);
    while ((state.job(id)?.cursor ?? 0) < 5) await sleep(20);
    const ballast = join(folder, 'ballast');
    const { bavail, bsize } = await statfs(folder);
    await writeFile(ballast, Buffer.alloc(bavail * bsize - roomBytes));
    const framesOnFullDisk = await standstill(runtime, state, id);
    say(`the disk is full at frame ${framesOnFullDisk} of ${frames}`);
    await runtime.kill();
    await runtime.serve();
    await runtime.client.retrieve(id).catch((error) => say(`while the disk is full: ${error}`));
    await sleep(3000);
    await rm(ballast);
    say('there is room again');
    const hashes = await video(runtime, state, id);
    const different = expected.filter((hash, index) => hashes[index] !== hash).length;
    return { framesOnFullDisk, different, completed: state.job(id)?.status === 'completed' };
  } finally {
    await runtime.close();
    await run('umount', [folder]);
  }
}

async function mount(folder: string): Promise<void> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${diskMebibytes}m`, 'magi-full-disk', folder]);
  } catch (error) {
    throw new Error(`--full-disk has to mount a small file system, which takes root: ${error}`);
  }
}

function order({ client }: Runtime) {
  return client.create({ model: 'nano', frames, seed: 5 });
}

/** Waits until no frame has come for three seconds. */
async function standstill({ client }: Runtime, state: StoredState, id: string): Promise<number> {
  for (let last = -1; ; await sleep(3000)) {
    await client.retrieve(id).catch(() => undefined);
    const cursor = state.job(id)?.cursor ?? 0;
    if (cursor === frames) throw new Error('the video fitted the full disk');
    if (cursor === last) return cursor;
    last = cursor;
  }
}

/** SHA-256 of every frame as the API has it, once the video is finished. */
async function video({ client }: Runtime, state: StoredState, id: string): Promise<string[]> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(100)) {
    const status = await client.retrieve(id).then(
      (found) => found.status,
      () => null,
    );
    if (status === 'failed') throw new Error(`the video failed: ${state.job(id)?.error}`);
    if (status !== 'completed') continue;
    const indices = Array.from({ length: frames }, (_, index) => index);
    return Promise.all(indices.map(async (index) => sha256(await client.frame(id, index))));
  }
  throw new Error('the video was not finished in two minutes');
}
