import type { Price } from '../../src/billing/price.ts';
import type { JobRecord } from '../../src/job/job-record.ts';

/** What its frames cost. */
export const samplePrice: Price = { frames: 9, frameCredits: 10 };

/** A job of nine frames of the sample model that has just been created. */
export const sampleRecord: JobRecord = {
  account: 'owner',
  spec: {
    model: 'sample',
    width: 8,
    height: 6,
    framesPerSecond: 8,
    frames: 9,
    legs: [{ from: 0, seed: 7, interval: 1 }],
    decodeSteps: 2,
    headSteps: 3,
    temperature: 1,
    firstFrameSampling: { decodeSteps: 2, headSteps: 3, temperature: 1 },
    palette: 'first_frame',
    labels: [{ from: 3, label: 'jump' }],
    metadata: {},
  },
  build: 'build-1',
  frameMultiplyAdds: 1000,
  firstFrameMultiplyAdds: 1000,
  source: null,
  isFirstGiven: false,
  status: 'queued',
  cursor: 0,
  pastCursor: 0,
  attempts: 0,
  epoch: 0,
  hold: 0,
  wakeAt: 0,
  createdAt: 0,
  completedAt: null,
  expiresAt: null,
  isGoneHeard: false,
  error: null,
  webhookUrl: null,
  deliveries: [],
};
