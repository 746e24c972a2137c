import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, URL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Runtime } from './runtime.ts';
import { StoredState } from './stored-state.ts';

let folder = '';
let runtime: Runtime;
let state: StoredState;
/** SHA-256 of the frames of the video that all tests here make, undisturbed. */
let expected: string[] = [];

const order = { model: 'nano', frames: 12, seed: 4 };

const good = fileURLToPath(new URL('../../models/nano', import.meta.url));

const served = () => join(folder, 'models', 'nano');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'magi-poison-'));
  await cp(good, served(), { recursive: true });
  // A deployment lists files; there is one that no damage takes away.
  await writeFile(join(folder, 'models', 'README.md'), 'models');
  runtime = await deployed();
  state = new StoredState(join(folder, 'data', 'do'));
  await runtime.serve();
  const { id } = await runtime.client.create(order);
  await ended(id);
  expected = state.frames(id);
  await runtime.kill();
}, 120_000);

afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true, force: true });
});

afterEach(restore);

async function restore(): Promise<void> {
  await runtime.kill();
  await rm(served(), { recursive: true, force: true });
  await cp(good, served(), { recursive: true });
}

/** The service with the model files that there are now. */
function deployed(): Promise<Runtime> {
  return Runtime.open({ dataFolder: join(folder, 'data'), modelsFolder: join(folder, 'models') });
}

async function redeploy(): Promise<void> {
  await runtime.close();
  runtime = await deployed();
}

async function ended(id: string): Promise<void> {
  for await (const event of runtime.client.follow(id)) void event;
}

/** A video whose process died before its fourth frame. */
async function interrupted(): Promise<string> {
  await runtime.serve({ CRASH_POINT: 'compute#4' });
  const { id } = await runtime.client.create(order);
  await runtime.crashed(60);
  await runtime.kill();
  expect(state.job(id)).toMatchObject({ cursor: 3, attempts: 1 });
  return id;
}

/** The frames that there are are those of an undisturbed run; the account has heard of all of them, and of the end. */
async function expectKept(id: string, frames: number): Promise<void> {
  expect(state.frames(id)).toEqual(expected.slice(0, frames));
  const hold = () => state.account().holds.find(({ jobId }) => jobId === id);
  for (let left = 100; left > 0 && !hold()?.isEnded; left--) await sleep(100);
  expect(hold()).toMatchObject({ captured: frames, isEnded: true });
}

it('a frame that always kills the process is tried five times, and never again', async () => {
  const id = await interrupted();
  for (let attempt = 2; attempt <= 5; attempt++) {
    await runtime.serve({ CRASH_POINT: 'compute#1' });
    await runtime.client.retrieve(id);
    await runtime.crashed(60);
    await runtime.kill();
    expect(state.job(id)).toMatchObject({ cursor: 3, attempts: attempt, status: 'in_progress' });
  }

  await runtime.serve({ CRASH_POINT: 'write:end#1!' });
  void runtime.client.retrieve(id).catch(() => undefined);
  await runtime.crashed(60);
  await runtime.kill();
  expect(state.job(id)).toMatchObject({ attempts: 5, status: 'in_progress' });

  await runtime.serve({ CRASH_POINT: 'compute#1' });
  await ended(id);
  expect(await runtime.client.retrieve(id)).toMatchObject({
    status: 'failed',
    error: { code: 'generation_failed' },
    frames: { committed: 3 },
  });
  await expectKept(id, 3);
  await expect(runtime.crashed(3)).rejects.toThrow('not reached');
}, 120_000);

type Damage = (file: (name: string) => string) => Promise<void>;

/** A video whose process died, after something was done to its model: it has failed, and keeps its frames. */
async function expectFailed(
  id: string,
  damage: Damage,
  code: string,
  deploy = async () => {},
): Promise<void> {
  await damage((name) => join(served(), name));
  await deploy();
  await runtime.serve();
  await ended(id);
  expect(await runtime.client.retrieve(id)).toMatchObject({ status: 'failed', error: { code } });
  await expectKept(id, 3);
}

// What is listed and cannot be read is answered with an empty 500, as any failure is: it may be there the next time.
it.each<[string, Damage, string]>([
  ['a shard cannot be read', (file) => rm(file('backbone-0.bin')), 'generation_failed'],
  ['a byte of a shard is another', (file) => flip(file('head-0.bin')), 'generation_failed'],
  ['its manifest cannot be read', (file) => rm(file('manifest.json')), 'generation_failed'],
  ['another build is there', (file) => cp(file('float'), file('.'), { recursive: true }), 'model_gone'],
])(
  'a video whose process died fails and keeps its frames when %s',
  async (_, damage, code) => expectFailed(await interrupted(), damage, code),
  120_000,
);

it.each<[string, Damage]>([
  ['the manifest', (file) => rm(file('manifest.json'))],
  ['the folder', (file) => rm(file('.'), { recursive: true })],
])(
  'a video whose process died fails as model_gone after a deployment without %s of its model',
  async (_, damage) => {
    await expectFailed(await interrupted(), damage, 'model_gone', redeploy);
    await restore();
    await redeploy();
  },
  120_000,
);

it('a model that vanishes under a running video changes none of its frames', async () => {
  await runtime.serve({ WAKE_SECONDS: '0.2' });
  const { id } = await runtime.client.create(order);
  for (let left = 600; left > 0 && (state.job(id)?.cursor ?? 0) < 2; left--) await sleep(20);
  await rm(served(), { recursive: true });
  await ended(id);
  const { status, frames } = await runtime.client.retrieve(id);
  expect(status).toMatch(/completed|failed/);
  await expectKept(id, frames.committed);
}, 120_000);

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  await writeFile(file, bytes);
}
