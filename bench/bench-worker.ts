/**
 * Measures a model inside workerd, whose clocks advance while code computes when it runs locally.
 * The request's body is a form of matrix-ceiling.onnx and a first frame, which a model of its size starts from, so that
 * the encoder is measured, too.
 */
import runtime from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { Tensor } from 'onnxruntime-web/wasm';
import type { Model } from '../src/backend/backend.ts';
import { createSession, runtimeMemoryBytes } from '../src/backend/wasm-runtime.ts';
import { workersBackend } from '../src/backend/workers-backend.ts';
import type { Raster } from '../src/contract/frame.ts';
import type { GenerationPlan } from '../src/engine/generation.ts';
import { Past } from '../src/engine/past.ts';
import { multiplyAddsPerFrame } from '../src/job/frame-cost.ts';
import type { Effect } from '../src/job/wake-protocol.ts';
import { decodeOwnPng } from '../src/media/png.ts';
import service, {
  KeyRingObject,
  PaymentObject,
  AccountObject as ServedAccount,
  JobObject as ServedJob,
} from '../src/worker.ts';
import { type ModelFigures, quickestAround } from './figures.ts';
import { StorageMeter } from './storage-meter.ts';
import { WakeMeter } from './wake-meter.ts';

const MEBIBYTE = 2 ** 20;
const WARM_UP_FRAMES = 16;
const MEASURED_FRAMES = 64;
const LAST_FRAME = 208;
const CEILING = { rows: 64, inner: 384, outer: 1536, products: 8, runs: 12, rounds: 15 };

const meter = new WakeMeter();
const storageMeter = new StorageMeter();

type JobArguments = ConstructorParameters<typeof ServedJob>;
type AccountArguments = ConstructorParameters<typeof ServedAccount>;

/** The service's own job, with a clock and a counter beside it. */
export class JobObject extends ServedJob {
  constructor(...[context, env]: JobArguments) {
    storageMeter.watch(context.storage);
    super(context, env);
  }

  override alarm(): Promise<void> {
    meter.begins();
    return super.alarm();
  }

  protected override surroundings() {
    return {
      ...super.surroundings(),
      observe: (effect: Effect) => {
        meter.observe(effect);
        return undefined;
      },
    };
  }
}

/** The service's own account, with a counter beside it. */
export class AccountObject extends ServedAccount {
  constructor(...[context, env]: AccountArguments) {
    storageMeter.watch(context.storage);
    super(context, env);
  }
}

export { KeyRingObject, PaymentObject };

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.startsWith('/v1/')) return service.fetch(request, env, context);
    if (pathname === '/times') return Response.json({ ...meter.times(), ...storageMeter.use() });
    const { ASSETS } = env;
    const name = searchParams.get('model') ?? 'sprite';
    const form = await request.formData();
    const file = async (field: string) => new Uint8Array(await (form.get(field) as File).arrayBuffer());
    const image = decodeOwnPng(await file('firstFrame'));
    return Response.json(await measure(ASSETS, name, image, await file('ceiling')));
  },
} satisfies ExportedHandler<Parameters<typeof service.fetch>[1]>;

async function measure(
  assets: Fetcher,
  name: string,
  image: Raster,
  ceilingGraph: Uint8Array,
): Promise<ModelFigures> {
  const lease = workersBackend(assets).tryAcquire();
  const before = performance.now();
  const model = await lease?.open(name);
  const sessionStartMs = performance.now() - before;
  if (!model) throw new Error('a fresh backend is free');
  const { frameMs, memoryBytes } = await timeFrames(model, image);
  const measured = frameMs.slice(WARM_UP_FRAMES, WARM_UP_FRAMES + MEASURED_FRAMES);
  const framesPerSecond = 1000 / mean(measured);
  const multiplyAdds = multiplyAddsPerFrame(model.manifest, model.manifest.defaults);
  const ceiling = await matrixCeiling(ceilingGraph);
  return {
    framesPerSecond,
    multiplyAddsPerFrame: multiplyAdds,
    ceilingMultiplyAddsPerSecond: ceiling,
    ceilingShare: (framesPerSecond * multiplyAdds) / ceiling,
    costRatio200over20: quickestAround(frameMs, 200) / quickestAround(frameMs, 20),
    wasmMemoryMiB: memoryBytes / MEBIBYTE,
    sessionStartMs,
    kvBytesPerFrame: Past.kvBytes(model.manifest),
    kvBytesPerJob: Past.kvBytes(model.manifest) * (1 + model.manifest.backbone.window),
  };
}

/** Milliseconds of every frame of one video, and the runtime's memory when 64 frames were made. */
async function timeFrames(model: Model, image: Raster): Promise<{ frameMs: number[]; memoryBytes: number }> {
  const { manifest } = model;
  const { width, height, channels } = manifest.frame;
  const fits = image.width === width && image.height === height && image.channels === channels;
  const {
    decodeSteps,
    headSteps,
    temperature,
    firstFrame: firstFrameSampling = manifest.defaults,
  } = manifest.defaults;
  const plan: GenerationPlan = {
    ...{ decodeSteps, headSteps, temperature, firstFrameSampling },
    endFrame: LAST_FRAME,
    legs: [{ from: 0, seed: 1, interval: manifest.interval.default }],
    labels: manifest.labels.length > 0 ? [{ from: 0, label: 1 }] : [],
    palette: 'first_frame',
    passes: Number.POSITIVE_INFINITY,
    ...(fits && { firstFrame: new Uint8ClampedArray(image.pixels) }),
  };
  const frameMs: number[] = [];
  let memoryBytes = 0;
  let start = performance.now();
  for await (const { index } of model.generate(Past.empty(manifest), plan)) {
    const end = performance.now();
    frameMs.push(end - start);
    start = end;
    if (index === MEASURED_FRAMES) memoryBytes = runtimeMemoryBytes();
  }
  return { frameMs, memoryBytes };
}

/** Multiply-adds a second of the chain of 8-bit products in matrix-ceiling.onnx. */
async function matrixCeiling(graph: Uint8Array): Promise<number> {
  const { rows, inner, outer, products, runs, rounds } = CEILING;
  const session = await createSession(runtime, { graph, weights: [], isOptimised: false });
  const values = Float32Array.from({ length: rows * inner }, (_, i) => Math.sin(i));
  const input = { rows: new Tensor('float32', values, [rows, inner]) };
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let run = 0; run < runs; run++) await session.run(input);
    rates.push((runs * products * rows * inner * outer) / ((performance.now() - start) / 1000));
  }
  await session.release();
  return median(rates);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
