import type { Backend, Lease, Model } from '../../src/backend/backend.ts';
import { ModelFileError } from '../../src/backend/model-files.ts';
import { type GenerationPlan, generate, replay } from '../../src/engine/generation.ts';
import type { Graphs } from '../../src/engine/graphs.ts';
import type { Past } from '../../src/engine/past.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { fakeGraphs } from './fake-graphs.ts';

/** What can go wrong with a FakeBackend; a test changes it as it goes. */
export interface FakeFaults {
  /** Called before each pass of the backbone for a new frame: may throw, wait, or never return, as a killed process does. */
  beforePass: (frame: number) => Promise<void> | void;
  /** The same, for a pass that makes K and V of a finished frame anew. */
  beforeReplay: (frame: number) => Promise<void> | void;
  /** The same as beforePass, once for each frame of a wake. */
  beforeFrame: (frame: number) => Promise<void> | void;
  /** The build that is served; null = no such model; an error = it cannot be told now. */
  build: string | null | Error;
}

/** The engine over made-up graphs of the sample model, one computation at a time. */
export class FakeBackend implements Backend {
  readonly faults: FakeFaults = {
    beforePass: () => undefined,
    beforeReplay: () => undefined,
    beforeFrame: () => undefined,
    build: 'build-1',
  };
  /** Frames that a wake began to compute, in order. */
  readonly begun: number[] = [];
  /** Passes of the backbone for new frames. */
  passes = 0;
  /** Frames whose K and V were made anew, in order. */
  readonly replayed: number[] = [];
  #holder: object | undefined;

  async manifest() {
    return sampleManifest;
  }

  async build(): Promise<string> {
    const { build } = this.faults;
    if (build instanceof Error) throw build;
    if (build === null) throw new ModelFileError('manifest.json', 'missing');
    return build;
  }

  tryAcquire(): Lease | undefined {
    if (this.#holder !== undefined) return undefined;
    const holder = {};
    this.#holder = holder;
    const model: Model = {
      manifest: sampleManifest,
      generate: (past, plan) => this.#generate(past, plan),
      replay: (past, end, finished) =>
        replay(fakeGraphs, past, end, finished, async () => {
          this.replayed.push(past.cursor);
          await this.faults.beforeReplay(past.cursor);
        }),
    };
    return {
      open: async () => model,
      release: () => {
        if (this.#holder === holder) this.#holder = undefined;
      },
    };
  }

  #generate(past: Past, plan: GenerationPlan): ReturnType<Model['generate']> {
    let current: number | undefined;
    const begin = async () => {
      const frame = past.cursor;
      if (frame !== current) {
        this.begun.push(frame);
        await this.faults.beforeFrame(frame);
      }
      current = frame;
      this.passes += 1;
      await this.faults.beforePass(frame);
    };
    const graphs: Graphs = {
      ...fakeGraphs,
      predict: (...inputs) => begin().then(() => fakeGraphs.predict(...inputs)),
      commit: (...inputs) => begin().then(() => fakeGraphs.commit(...inputs)),
    };
    return generate(graphs, past, plan, async () => undefined);
  }
}
