/**
 * Cloudflare's public prices beyond what the Workers Paid plan includes, in US dollars.
 * Sources: developers.cloudflare.com/durable-objects/platform/pricing, developers.cloudflare.com/workers/platform/pricing
 */
export const prices = {
  date: 'November 2026',
  perMonth: 5,
  workerRequest: 0.3e-6,
  workerCpuMillisecond: 0.02e-6,
  objectRequest: 0.15e-6,
  objectGigabyteSecond: 12.5e-6,
  /** Setting an alarm and deleting a row count as rows written. */
  rowWritten: 1e-6,
  gigabyteMonth: 0.2,
} as const;

/** What an object is billed for while it is active, whatever it uses. */
const objectGigabytes = 0.128;

/** Of a day and a video as people use them: what is not measured is assumed here. */
const assumed = {
  framesPerVideo: 48,
  /** Create, follow, download. */
  requestsPerVideo: 3,
  cpuMillisecondsPerRequest: 2,
  /** A follower of events asks the object for news once a frame. */
  newsPerFrame: 1,
  /** A frame of 64x64 in a GIF: 10,000 of them take 8 seconds (see contentPixels in src/contract/config.ts). */
  gifMillisecondsPerFrame: (8000 * 64 * 64) / 41e6,
  monthsKept: 1,
};

/** Figures of `npm run bench` that costs follow from. */
export interface MeasuredUse {
  readonly framesPerSecond: number;
  /** Time for storage, alarms and settlement over time for computing. */
  readonly durabilityShare: number;
  readonly rowsWrittenPerFrame: number;
  readonly objectRequestsPerFrame: number;
  readonly storedBytesPerFrame: number;
  /** Beside its frames. */
  readonly kvBytesPerJob: number;
}

export interface Cost {
  readonly name: string;
  readonly units: string;
  readonly unit: string;
  readonly dollars: number;
}

/** Each cost of a million frames; what the plan includes is not taken off. */
export function costsOfMillionFrames(use: MeasuredUse): Cost[] {
  const frames = 1e6;
  const seconds = (frames / use.framesPerSecond) * (1 + use.durabilityShare);
  const videos = frames / assumed.framesPerVideo;
  const requests = videos * assumed.requestsPerVideo;
  const cpu = requests * assumed.cpuMillisecondsPerRequest + frames * assumed.gifMillisecondsPerFrame;
  const objectRequests = frames * (use.objectRequestsPerFrame + assumed.newsPerFrame) + requests;
  const gigabytes = (frames * use.storedBytesPerFrame + videos * use.kvBytesPerJob) / 1e9;
  return [
    cost('objects, duration', seconds * objectGigabytes, 'GB-s', prices.objectGigabyteSecond),
    cost('objects, requests', objectRequests, 'requests', prices.objectRequest),
    cost('objects, rows written', frames * use.rowsWrittenPerFrame, 'rows', prices.rowWritten),
    cost('objects, storage', gigabytes * assumed.monthsKept, 'GB-months', prices.gigabyteMonth),
    cost('Worker, requests', requests, 'requests', prices.workerRequest),
    cost('Worker, CPU time', cpu, 'ms', prices.workerCpuMillisecond),
    cost('assets', 0, 'requests', 0),
  ];
}

export function total(costs: readonly Cost[]): Cost {
  const dollars = costs.reduce((sum, one) => sum + one.dollars, 0);
  return { name: 'total', units: '', unit: '', dollars };
}

function cost(name: string, units: number, unit: string, price: number): Cost {
  return { name, units: Math.round(units).toLocaleString('en'), unit, dollars: units * price };
}
