import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import webpModule from '@jsquash/webp/codec/dec/webp_dec.wasm';
import { durableKeyRing } from './access/durable-key-ring.ts';
import { KeyRingObject } from './access/key-ring-object.ts';
import { linkSigner } from './access/link-signer.ts';
import { isolateRate, platformRate, type RequestRate } from './access/request-rate.ts';
import { EventLoop } from './backend/event-loop.ts';
import { workersBackend } from './backend/workers-backend.ts';
import { ethereumChain } from './billing/chain.ts';
import { checkPayment } from './billing/payment-check.ts';
import { httpFacilitator, type PaymentSurroundings, payments } from './billing/payments.ts';
import { Config, limits } from './contract/config.ts';
import { jsonLog } from './contract/log.ts';
import { createApp } from './http/app.ts';
import type { Services } from './http/services.ts';
import { AccountObject as AccountObjectBase, type AccountSurroundings } from './job/account-object.ts';
import { crashPoint, pointBefore } from './job/crash-point.ts';
import { durableJobDirectory, jobStub, publicId } from './job/durable-job-directory.ts';
import { type JobConnections, JobObject as JobObjectBase } from './job/job-object.ts';
import { modelCatalogue } from './job/model-catalogue.ts';
import { PastCache } from './job/past-cache.ts';
import {
  durablePaymentBook,
  PaymentObject as PaymentObjectBase,
  type PaymentObjectSurroundings,
} from './job/payment-object.ts';
import { Turns } from './job/turns.ts';
import type { JobSurroundings } from './job/wake-driver.ts';
import { imageDecoder } from './media/image-decoder.ts';
import type { Fetch } from './outbound/public-fetch.ts';

/** Every variable of the configuration, as text. */
type Variables = { [Name in keyof Config]: string };

interface Bindings extends Variables {
  ASSETS: Fetcher;
  JOBS: DurableObjectNamespace<JobObject>;
  ACCOUNTS: DurableObjectNamespace<AccountObject>;
  KEYS: DurableObjectNamespace<KeyRingObject>;
  PAYMENTS: DurableObjectNamespace<PaymentObject>;
  ACCOUNT_RATE: RateLimit;
  REFUSAL_RATE: RateLimit;
  /** Set by tests alone. */
  CRASH_POINT?: string;
}

const dayMilliseconds = 24 * 60 * 60 * 1000;

/** What all objects of an isolate share: one runtime, one model in memory, one computation at a time. */
interface Wiring {
  readonly eventLoop: EventLoop;
  readonly services: Services;
  readonly jobs: JobSurroundings;
  readonly accounts: AccountSurroundings;
  readonly payments: PaymentObjectSurroundings;
}

/** Not the function itself, which only works as one of the global object. */
const strangers: Fetch = (url, init) => fetch(url, init);

let isolate: Wiring | undefined;

function wired(env: Bindings): Wiring {
  isolate ??= wire(env);
  return isolate;
}

function wire(env: Bindings): Wiring {
  const config = Config.parse(env);
  const eventLoop = new EventLoop(() => scheduler.wait(0), Date.now);
  const backend = workersBackend(env.ASSETS, () => eventLoop.pause());
  const speed = {
    multiplyAddsPerSecond: config.MULTIPLY_ADDS_PER_SECOND,
    wakeSeconds: config.WAKE_SECONDS,
  };
  const reached = crashPoint(env.CRASH_POINT);
  const namespaces = { jobs: env.JOBS, accounts: env.ACCOUNTS };
  const sale = saleOf(env, config);
  const log = jsonLog((level, text) => console[level](text), Date.now, config.LOG_LEVEL);
  return {
    eventLoop,
    services: {
      jobsOf: (account) => durableJobDirectory(namespaces, account, reached),
      keys: durableKeyRing({ keys: env.KEYS, configured: config.ADMIN_KEY, clock: Date.now }),
      links: linkSigner({ secrets: linkSecrets(config), hours: limits.linkHours, clock: Date.now }),
      rates: {
        account: rateOf(config, config.ACCOUNT_REQUESTS, env.ACCOUNT_RATE),
        refusals: rateOf(config, config.ADDRESS_REFUSALS, env.REFUSAL_RATE),
      },
      ledgerOf: (account) => env.ACCOUNTS.get(env.ACCOUNTS.idFromName(account)),
      payments: sale && payments(sale),
      models: modelCatalogue(backend, config.MODELS, config.MODEL_DEFAULT, log),
      decodeImage: imageDecoder({ jpeg: jpegModule, webp: webpModule }),
      fetch: strangers,
      randomSeed: () => crypto.getRandomValues(new Uint32Array(1))[0] as number,
      speed,
      multiplyAddsPerCredit: config.MULTIPLY_ADDS_PER_CREDIT,
      bodySeconds: limits.bodySeconds,
      allowedOrigins: config.CORS_ORIGINS,
      log,
      clock: Date.now,
    },
    jobs: {
      backend,
      speed,
      pasts: new PastCache(limits.pastCacheBytes),
      turns: new Turns(),
      clock: Date.now,
      random: Math.random,
      sleep: (milliseconds) => scheduler.wait(milliseconds),
      expiryMs: config.EXPIRY_DAYS * dayMilliseconds,
      log,
      ...(reached === undefined ? {} : { observe: (effect) => reached(pointBefore(effect)) }),
    },
    accounts: {
      clock: Date.now,
      unfinishedVideos: config.UNFINISHED_VIDEOS,
      startingCredits: config.STARTING_CREDITS,
      knowsHold: async (jobId, hold) => (await jobStub(env.JOBS, jobId)?.knowsHold(hold)) ?? false,
    },
    payments: { clock: Date.now, check: sale && ((payment) => checkPayment(payment, sale)) },
  };
}

/** Null where the service sells no credits. */
function saleOf(env: Bindings, config: Config): PaymentSurroundings | null {
  const { X402_RECEIVER: receiver, X402_NETWORK: network, CREDITS_PER_USD: creditsPerUsd } = config;
  if (receiver === '') return null;
  return {
    terms: { network, receiver, creditsPerUsd },
    facilitator: httpFacilitator(config.X402_FACILITATOR, config.X402_FACILITATOR_TOKEN),
    chain: ethereumChain(config.X402_NODE),
    book: durablePaymentBook(env.PAYMENTS),
    ledgerOf: (account) => env.ACCOUNTS.get(env.ACCOUNTS.idFromName(account)),
    clock: Date.now,
  };
}

function rateOf({ RATES_COUNTED_BY }: Config, requests: number, binding: RateLimit): RequestRate {
  const rate = { requests, periodSeconds: limits.ratePeriodSeconds };
  return RATES_COUNTED_BY === 'platform' ? platformRate(binding, rate) : isolateRate(rate, Date.now);
}

function linkSecrets({ LINK_SECRETS, ADMIN_KEY }: Config): readonly string[] {
  return LINK_SECRETS ?? (ADMIN_KEY === undefined ? [] : [ADMIN_KEY]);
}

export { KeyRingObject };

export class JobObject extends JobObjectBase<Bindings> {
  protected override surroundings(): JobSurroundings {
    return wired(this.env).jobs;
  }

  protected override connections(owner: string): JobConnections {
    const { JOBS, ACCOUNTS } = this.env;
    const id = publicId(this.ctx.id);
    const account = () => ACCOUNTS.get(ACCOUNTS.idFromName(owner));
    return {
      id,
      fetch: strangers,
      secrets: () => account().signingSecrets(),
      settle: (message) => account().settle(id, message),
      sharedFrames: async (source, from, count) =>
        (await jobStub(JOBS, source)?.sharedFrames(owner, from, count)) ?? null,
    };
  }
}

export class AccountObject extends AccountObjectBase<Bindings> {
  protected override surroundings(): AccountSurroundings {
    return wired(this.env).accounts;
  }
}

export class PaymentObject extends PaymentObjectBase<Bindings> {
  protected override surroundings(): PaymentObjectSurroundings {
    return wired(this.env).payments;
  }
}

const app = createApp();

export default {
  fetch(request, env, context) {
    const { eventLoop, services } = wired(env);
    eventLoop.asked();
    return app.fetch(request, services, context);
  },
} satisfies ExportedHandler<Bindings>;
