import type { Manifest } from '../contract/manifest.ts';
import { generate, replay } from '../engine/generation.ts';
import type { Backend, Lease, Model } from './backend.ts';
import { type ModelFiles, readManifest, sha256Hex } from './model-files.ts';
import { loadGraphs } from './model-loading.ts';
import type { OnnxGraphs } from './onnx-graphs.ts';
import { runtimeVersion } from './wasm-runtime.ts';

/** What a WasmBackend needs of the place where it runs. */
export interface WasmSurroundings {
  /** `ort-wasm-simd-threaded.wasm` of onnxruntime-web, compiled. */
  readonly runtime: () => Promise<WebAssembly.Module>;
  readonly filesOf: (modelName: string) => ModelFiles;
  /** Lets the event loop run once. */
  readonly pause: () => Promise<void>;
  /** Milliseconds */
  readonly now: () => number;
  /** A lease that was not used for so long belongs to nobody any more. */
  readonly leaseMs: number;
}

interface Loaded {
  readonly name: string;
  readonly graphs: OnnxGraphs;
}

/** The lease was not used for so long that somebody else took it. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** onnxruntime-web in this isolate: one model in memory, one computation at a time. */
export class WasmBackend implements Backend {
  readonly #surroundings: WasmSurroundings;
  readonly #manifests = new Map<string, Manifest>();
  #loaded: Loaded | undefined;
  #holder: HeldLease | undefined;

  constructor(surroundings: WasmSurroundings) {
    this.#surroundings = surroundings;
  }

  async manifest(modelName: string): Promise<Manifest> {
    const known = this.#manifests.get(modelName);
    if (known) return known;
    const manifest = await readManifest(this.#surroundings.filesOf(modelName));
    this.#manifests.set(modelName, manifest);
    return manifest;
  }

  async build(modelName: string): Promise<string> {
    return buildOf(await this.manifest(modelName));
  }

  tryAcquire(): Lease | undefined {
    const { now, leaseMs, pause } = this.#surroundings;
    if (this.#holder && now() - this.#holder.usedAt < leaseMs) return undefined;
    this.#holder = new HeldLease(
      {
        isHolder: (lease) => this.#holder === lease,
        release: (lease) => {
          if (this.#holder === lease) this.#holder = undefined;
        },
        load: (modelName, use) => this.#load(modelName, use),
      },
      now,
      pause,
    );
    return this.#holder;
  }

  async #load(modelName: string, use: () => void): Promise<Loaded> {
    if (this.#loaded?.name === modelName) return this.#loaded;
    const manifest = await this.manifest(modelName);
    use();
    const previous = this.#loaded;
    this.#loaded = undefined;
    await previous?.graphs.release();
    const { filesOf, runtime } = this.#surroundings;
    const graphs = await loadGraphs(filesOf(modelName), manifest, await runtime(), use);
    try {
      use();
    } catch (error) {
      await graphs.release();
      throw error;
    }
    this.#loaded = { name: modelName, graphs };
    return this.#loaded;
  }
}

/** What a lease may do with its backend. */
interface LeaseRights {
  isHolder(lease: HeldLease): boolean;
  release(lease: HeldLease): void;
  load(modelName: string, use: () => void): Promise<Loaded>;
}

class HeldLease implements Lease {
  usedAt: number;
  readonly #rights: LeaseRights;
  readonly #now: () => number;
  readonly #pause: () => Promise<void>;

  constructor(rights: LeaseRights, now: () => number, pause: () => Promise<void>) {
    this.#rights = rights;
    this.#now = now;
    this.#pause = pause;
    this.usedAt = now();
  }

  async open(modelName: string): Promise<Model> {
    const { graphs } = await this.#rights.load(modelName, this.#use);
    // Before every pass, so that who lost the lease between two frames computes nothing more.
    const pause = async () => {
      await this.#pause();
      this.#use();
    };
    return {
      manifest: graphs.manifest,
      generate: (past, plan) => generate(graphs, past, plan, pause),
      replay: (past, end, finished) => replay(graphs, past, end, finished, pause),
    };
  }

  release(): void {
    this.#rights.release(this);
  }

  #use = (): void => {
    if (!this.#rights.isHolder(this)) throw new LeaseLost('another computation has begun');
    this.usedAt = this.#now();
  };
}

/** Files are hashed by the manifest already: their hashes stand for them. */
function buildOf({ files, graphs, normalTable }: Manifest): Promise<string> {
  const names = Object.values(graphs).flatMap((graph) => (graph ? [graph.file, ...graph.shards] : []));
  const hashes = [normalTable, ...names].sort().map((name) => `${name} ${files[name]?.sha256}`);
  return sha256Hex(new TextEncoder().encode([runtimeVersion(), ...hashes].join('\n')));
}
