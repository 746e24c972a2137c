import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import webpModule from '@jsquash/webp/codec/dec/webp_dec.wasm';
import { workersBackend } from './backend/workers-backend.ts';
import { Config, limits } from './contract/config.ts';
import { createApp } from './http/app.ts';
import type { Services } from './http/services.ts';
import { AccountObject } from './job/account-object.ts';
import { durableJobDirectory } from './job/job-directory.ts';
import { JobObject as JobObjectBase } from './job/job-object.ts';
import { modelCatalogue } from './job/model-catalogue.ts';
import { PastCache } from './job/past-cache.ts';
import { Turns } from './job/turns.ts';
import type { JobSurroundings } from './job/wake-loop.ts';
import { imageDecoder } from './media/image-decoder.ts';

interface Bindings extends Record<keyof Config, string> {
  ASSETS: Fetcher;
  JOBS: DurableObjectNamespace<JobObject>;
  ACCOUNTS: DurableObjectNamespace<AccountObject>;
}

/** What all objects of an isolate share: one runtime, one model in memory, one computation at a time. */
let isolate: { services: Services; surroundings: JobSurroundings } | undefined;

function wired(env: Bindings): { services: Services; surroundings: JobSurroundings } {
  isolate ??= wire(env);
  return isolate;
}

function wire(env: Bindings): { services: Services; surroundings: JobSurroundings } {
  const config = Config.parse(env);
  const backend = workersBackend(env.ASSETS);
  return {
    services: {
      jobs: durableJobDirectory(env.JOBS, env.ACCOUNTS),
      models: modelCatalogue(backend, config.MODELS, config.MODEL_DEFAULT),
      decodeImage: imageDecoder({ jpeg: jpegModule, webp: webpModule }),
      randomSeed: () => crypto.getRandomValues(new Uint32Array(1))[0] as number,
      bodySeconds: limits.bodySeconds,
    },
    surroundings: {
      backend,
      speed: { multiplyAddsPerSecond: config.MULTIPLY_ADDS_PER_SECOND, wakeSeconds: config.WAKE_SECONDS },
      pasts: new PastCache(limits.pastCacheBytes),
      turns: new Turns(),
      clock: Date.now,
    },
  };
}

export class JobObject extends JobObjectBase<Bindings> {
  protected override surroundings(): JobSurroundings {
    return wired(this.env).surroundings;
  }
}

export { AccountObject };

const app = createApp();

export default {
  fetch(request, env, context) {
    return app.fetch(request, wired(env).services, context);
  },
} satisfies ExportedHandler<Bindings>;
