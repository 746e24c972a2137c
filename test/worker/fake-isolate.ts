import { limits } from '../../src/contract/config.ts';
import type { Log } from '../../src/contract/log.ts';
import { PastCache } from '../../src/job/past-cache.ts';
import { Turns } from '../../src/job/turns.ts';
import type { JobSurroundings } from '../../src/job/wake-driver.ts';
import { FakeBackend } from './fake-backend.ts';

/** What one frame of the tests costs; with this speed, it lasts a second. */
export const frameMultiplyAdds = 1000;

/** Milliseconds that a resting video of the tests is kept. */
export const expiryMs = 86_400_000;

/** What the jobs of an isolate share; a new one is a new isolate. Its clock moves only by hand and by sleeping. */
export class FakeIsolate {
  readonly backend = new FakeBackend();
  readonly surroundings: JobSurroundings;
  readonly log: Parameters<Log>[0][] = [];
  now = 1_000_000;
  /** Called whenever a job sleeps. */
  onSleep: (milliseconds: number) => void = () => undefined;

  /** @param framesPerWake how many frames a wake's CPU time holds; may be less than one */
  constructor(framesPerWake: number) {
    this.surroundings = {
      backend: this.backend,
      speed: { multiplyAddsPerSecond: frameMultiplyAdds, wakeSeconds: framesPerWake },
      pasts: new PastCache(limits.pastCacheBytes),
      turns: new Turns(),
      clock: () => this.now,
      random: () => 0.5,
      sleep: async (milliseconds) => {
        this.now += milliseconds;
        this.onSleep(milliseconds);
      },
      expiryMs,
      log: (line) => this.log.push(line),
    };
  }

  /** All that it keeps in memory of videos is lost. */
  forget(): void {
    this.surroundings.pasts.clear();
  }
}
