import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../seeded-random.ts';
import { Listener } from './listener.ts';
import type { Runtime } from './runtime.ts';

/** Listeners of one video at a time. */
const listenersPerVideo = 8;

const framesPerVideo = 60;

/** Longest life of a connection. */
const patienceMs = 250;

export interface DisconnectFigures {
  readonly disconnects: number;
  readonly repeatedFrames: number;
  readonly lostFrames: number;
}

/** Breaks connections to streams of events at random moments: in the end everybody has every frame once, in order. */
export async function disconnect(
  runtime: Runtime,
  { count, seed }: { count: number; seed: number },
  progress: (done: number) => void,
): Promise<DisconnectFigures> {
  const random = new SeededRandom(seed);
  const figures = { disconnects: 0, repeatedFrames: 0, lostFrames: 0 };
  await runtime.serve({ WAKE_SECONDS: '0.5' });
  for (let round = 0; figures.disconnects < count; round++) {
    const { id } = await runtime.client.create({ model: 'nano', frames: framesPerVideo, seed: seed + round });
    const listeners = Array.from({ length: listenersPerVideo }, () => new Listener(runtime.address, id));
    await Promise.all(
      listeners.map((listener) =>
        listener.listen(() => sleep(patienceMs * random.fraction(), undefined, { ref: false })),
      ),
    );
    for (const { indices, hangUps } of listeners) {
      const inOrder = indices.filter((index, at) => index === at).length;
      figures.disconnects += hangUps;
      figures.repeatedFrames += indices.length - new Set(indices).size;
      figures.lostFrames += framesPerVideo - Math.min(new Set(indices).size, inOrder);
    }
    progress(Math.min(count, figures.disconnects));
  }
  await runtime.kill();
  return figures;
}
