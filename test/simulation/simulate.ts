/**
 * Lives through many simulated worlds: `npm run simulate -- --help`. The last line is one JSON object.
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { bar, ProgressBar } from '../../src/command/progress-bar.ts';
import { explore } from './exhaustive.ts';
import { smallWorld, wholeWorld } from './exhaustive-world.ts';
import { runSeed } from './run-seed.ts';

const help = `Simulates the service with its faults; every seed is one world.

  npm run simulate -- [options]

  --seeds N       worlds to live through (default 10000)
  --from SEED     the first of them (default 1)
  --workers N     threads (default 2)
  --seed SEED     only this world
  --trace         ... and tell all that happens in it
  --exhaustive    instead of random worlds, every course that a small one can take
  --quick         ... with one crash instead of two, as in the tests
  --help          this text

The last line is one JSON object; the exit status is 1 where a promise was broken.`;

/** Seeds between two signs of life of a worker. */
const batchSeeds = 1000;

/** Failures that are told in full. */
const failuresShown = 5;

interface Share {
  readonly from: number;
  readonly seeds: number;
  readonly step: number;
}

interface Report {
  readonly done: number;
  readonly failures: readonly { readonly seed: number; readonly failure: string }[];
}

if (isMainThread) await main();
else work(workerData as Share, (report) => parentPort?.postMessage(report));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      exhaustive: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(help);
  else if (values.exhaustive) exploreAll(values.quick);
  else if (values.seed !== undefined) replay(whole('seed', values.seed), values.trace);
  else
    await simulate(
      whole('from', values.from),
      whole('seeds', values.seeds),
      whole('workers', values.workers),
    );
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} takes a whole number, not ${text}`);
  process.exit(2);
}

function replay(seed: number, isTraced: boolean): void {
  const failure = runSeed(seed, {}, isTraced ? (line) => console.log(line) : undefined);
  if (failure !== null) tell(seed, failure, !isTraced);
  end({ seeds: 1, failures: failure === null ? 0 : 1 });
}

function exploreAll(isQuick: boolean): void {
  const { states, moves, cancellations, violation } = explore(isQuick ? smallWorld : wholeWorld, (count) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${count.toLocaleString('en')} states\x1b[K`);
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (violation !== null) console.log(`${violation.path.join('\n')}\n${violation.what}`);
  end({ states, moves, cancellations, failures: violation === null ? 0 : 1 });
}

async function simulate(from: number, seeds: number, workers: number): Promise<void> {
  const began = performance.now();
  let done = 0;
  let failures = 0;
  const progress = new ProgressBar(process.stderr);
  const threads = Math.max(1, Math.min(workers, seeds));
  const shares = Array.from({ length: threads }, (_, thread) => ({
    from: from + thread,
    seeds: Math.ceil((seeds - thread) / threads),
    step: threads,
  }));
  const report = (news: Report) => {
    done += news.done;
    for (const { seed, failure } of news.failures) tell(seed, failure, failures++ < failuresShown);
    const seconds = (performance.now() - began) / 1000;
    const left = Math.ceil(((seeds - done) * seconds) / done);
    const pace = `${Math.round(done / seconds)}/s, ${left} s left`;
    progress.show(done, seeds, `${bar(done, seeds)} seeds, ${pace}`);
  };
  await Promise.all(shares.map((share) => inThread(share, report)));
  progress.end();
  const seconds = (performance.now() - began) / 1000;
  end({ seeds: done, failures, seconds: Math.round(seconds), seedsPerSecond: Math.round(done / seconds) });
}

function inThread(share: Share, report: (news: Report) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(import.meta.filename, { workerData: share });
  worker.on('message', report);
  worker.on('error', reject);
  worker.on('exit', () => resolve());
  return promise;
}

function work({ from, seeds, step }: Share, report: (news: Report) => void): void {
  for (let first = 0; first < seeds; first += batchSeeds) {
    const count = Math.min(batchSeeds, seeds - first);
    const failures: { seed: number; failure: string }[] = [];
    for (let place = first; place < first + count; place++) {
      const seed = from + place * step;
      const failure = runSeed(seed);
      if (failure !== null) failures.push({ seed, failure });
    }
    report({ done: count, failures });
  }
}

function tell(seed: number, failure: string, isTraced: boolean): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  console.log(`Seed ${seed}: ${failure}`);
  if (isTraced) runSeed(seed, {}, (line) => console.log(`  ${line}`));
  console.log(`Again: npm run simulate -- --seed ${seed} --trace`);
}

function end(result: { readonly failures: number } & Readonly<Record<string, number>>): void {
  console.log(JSON.stringify(result));
  process.exitCode = result.failures > 0 ? 1 : 0;
}
