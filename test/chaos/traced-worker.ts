/** The service, but that every wake of a job prints a line as it begins and as it ends. */
import { OnnxGraphs } from '../../src/backend/onnx-graphs.ts';
import service, {
  AccountObject,
  KeyRingObject,
  PaymentObject,
  JobObject as ServedJob,
} from '../../src/worker.ts';
import { traceText } from './wake-trace.ts';

/** Milliseconds that graphs have run. */
const spent = { decodeMs: 0, graphMs: 0 };

type Pause = () => Promise<void>;

/** In a pause within a graph's work nothing is computed. */
async function timedPause(pause: Pause, tell: (milliseconds: number) => void): Promise<void> {
  const began = performance.now();
  await pause();
  tell(performance.now() - began);
}

for (const part of ['encode', 'predict', 'sample', 'commit', 'decode'] as const) {
  const compute = OnnxGraphs.prototype[part] as (...inputs: unknown[]) => Promise<unknown>;
  const timed = async function (this: OnnxGraphs, ...inputs: unknown[]) {
    let pausedMs = 0;
    const began = performance.now();
    const output = await compute.apply(
      this,
      inputs.map((input) =>
        input instanceof Function ? () => timedPause(input as Pause, (ms) => (pausedMs += ms)) : input,
      ),
    );
    const milliseconds = performance.now() - began - pausedMs;
    spent.graphMs += milliseconds;
    if (part === 'predict' || part === 'sample') spent.decodeMs += milliseconds;
    return output;
  };
  Object.assign(OnnxGraphs.prototype, { [part]: timed });
}

export class JobObject extends ServedJob {
  override async alarm(): Promise<void> {
    const before = { ...spent };
    console.log(traceText({ event: 'begins' }));
    try {
      await super.alarm();
    } finally {
      const decodeMs = spent.decodeMs - before.decodeMs;
      const graphMs = spent.graphMs - before.graphMs;
      console.log(traceText({ event: 'ends', decodeMs, graphMs }));
    }
  }
}

export { AccountObject, KeyRingObject, PaymentObject };

export default service;
