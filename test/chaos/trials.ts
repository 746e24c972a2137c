import { join } from 'node:path';
import { bar, type ProgressBar } from '../../src/command/progress-bar.ts';
import { hostileImages } from '../media/hostile-images.ts';
import { measureAnswers } from './answers.ts';
import { Campaign } from './campaign.ts';
import { crashPointBindings, dieAt } from './crash-points.ts';
import { bars as decodingBars, decodingCosts } from './decoding-costs.ts';
import { disconnect } from './disconnects.ts';
import { fillDisk } from './full-disk.ts';
import { makeLongVideo } from './long-video.ts';
import { watchMemory } from './memory.ts';
import { plansOf } from './order-book.ts';
import { overload } from './overload.ts';
import { repeatOrders } from './repeated-orders.ts';
import { measureRestarts } from './restarts.ts';
import { Runtime } from './runtime.ts';
import { StoredState } from './stored-state.ts';
import { measureWakes } from './wake-times.ts';

/** What the bars of docs/reliability.md are. */
const bars = {
  /** Memory that the process may take beyond what it takes when idle. */
  memoryMebibytes: 100,
  /** Memory that a Worker may have. */
  isolateMebibytes: 128,
  /** From the first request after a restart to the next frame, as median. */
  restartMs: 1000,
  wakeCpuSeconds: 20,
  /** Of an answer while a frame is made, beyond one decode step. */
  answerMs: 20,
  /** Cost of a late frame over that of an early one, and storage of a frame of the second half over one of the first. */
  growth: 1.1,
};

export interface Options {
  readonly kills: number;
  readonly points: boolean;
  readonly disconnects: number;
  readonly restarts: number;
  readonly fullDisk: boolean;
  readonly memory: number;
  readonly wakes: number;
  readonly cpuLimit: number;
  readonly answers: number;
  readonly long: number;
  readonly overload: number;
  readonly images: boolean;
  readonly idempotency: number;
  readonly seed: number;
  readonly jobs: number;
  readonly length: number;
}

/** What came of one kind of mistreatment. */
export interface Outcome {
  readonly figures: object;
  readonly isWell: boolean;
}

/** @param folder a fresh one, for the storage of the service */
export type Trial = (options: Options, folder: string, line: ProgressBar) => Promise<Outcome>;

/** The trials that the options ask for. */
export function trialsOf(options: Options): Trial[] {
  return [
    ...(options.kills > 0 || options.points ? [killing] : []),
    ...(options.disconnects > 0 ? [disconnecting] : []),
    ...(options.restarts > 0 ? [restarting] : []),
    ...(options.fullDisk ? [filling] : []),
    ...(options.memory > 0 ? [remembering] : []),
    ...(options.wakes > 0 ? [waking] : []),
    ...(options.answers > 0 ? [asking] : []),
    ...(options.long > 0 ? [goingOn] : []),
    ...(options.overload > 0 ? [overloading] : []),
    ...(options.images ? [decoding] : []),
    ...(options.idempotency > 0 ? [repeating] : []),
  ];
}

async function killing(options: Options, dataFolder: string, line: ProgressBar): Promise<Outcome> {
  const { kills, seed, jobs, length, points } = options;
  const plans = plansOf(seed, length);
  const say = (text: string) => line.say(text);
  say(`seed ${seed}: ${plans.length} kinds of videos, first without interruption`);
  const campaign = await Campaign.prepare({ seed, jobs, plans, dataFolder, say });
  const began = performance.now();
  await campaign.killRepeatedly(kills, (done) => line.show(done, kills, `${bar(done, kills)} kills`));
  const killsPerMinute = Math.round((60_000 * kills) / (performance.now() - began));
  const bindings = points ? crashPointBindings : [];
  for (const [index, binding] of bindings.entries()) {
    line.show(index, bindings.length, `${bar(index, bindings.length)} crash points`);
    await dieAt(campaign, binding, plans);
  }
  if (points) say(`crash points: ${bindings.join(' ')}`);
  const { videos, findings } = await campaign.finish();
  const refusals =
    [...campaign.book.refusals].map(([code, count]) => `${code} ${count}`).join(', ') || 'none';
  say(`answers that were no success: ${refusals}`);
  const { mercies } = campaign;
  const figures = { kills, killsPerMinute, mercies, crashPoints: bindings.length, videos, ...findings };
  return { figures, isWell: Object.values(findings).every((count) => count === 0) };
}

async function disconnecting(
  { disconnects, seed }: Options,
  dataFolder: string,
  line: ProgressBar,
): Promise<Outcome> {
  const runtime = await Runtime.open({ dataFolder });
  try {
    const wanted = { count: disconnects, seed };
    const streams = await disconnect(runtime, wanted, (done) =>
      line.show(done, disconnects, `${bar(done, disconnects)} disconnects`),
    );
    return { figures: { streams }, isWell: streams.repeatedFrames + streams.lostFrames === 0 };
  } finally {
    await runtime.close();
  }
}

async function restarting({ restarts }: Options, dataFolder: string): Promise<Outcome> {
  const runtime = await Runtime.open({ dataFolder });
  try {
    const milliseconds = await measureRestarts(runtime, new StoredState(join(dataFolder, 'do')), restarts);
    const isWell = milliseconds.withRequest.median <= bars.restartMs;
    return { figures: { restartMilliseconds: milliseconds }, isWell };
  } finally {
    await runtime.close();
  }
}

async function filling(_options: Options, folder: string, line: ProgressBar): Promise<Outcome> {
  const fullDisk = await fillDisk(join(folder, 'disk'), (text) => line.say(text));
  return { figures: { fullDisk }, isWell: fullDisk.completed && fullDisk.different === 0 };
}

async function remembering(
  { memory: jobs }: Options,
  dataFolder: string,
  line: ProgressBar,
): Promise<Outcome> {
  const memory = await watchMemory(dataFolder, jobs, counted(line, 'videos'));
  const isWell = Object.values(memory).every(
    ({ growthMebibytes, isolateMebibytes }) =>
      growthMebibytes <= bars.memoryMebibytes && isolateMebibytes <= bars.isolateMebibytes,
  );
  return { figures: { memory }, isWell };
}

async function waking(
  { wakes: frames, cpuLimit }: Options,
  dataFolder: string,
  line: ProgressBar,
): Promise<Outcome> {
  const wakes = await measureWakes({ frames, limitSeconds: cpuLimit, dataFolder }, counted(line, 'takes'));
  const isWell = Object.values(wakes).every(
    ({ longestCpuSeconds, different, unfinished }) =>
      longestCpuSeconds <= bars.wakeCpuSeconds && different + unfinished === 0,
  );
  return { figures: { wakes }, isWell };
}

async function asking(
  { answers: seconds }: Options,
  dataFolder: string,
  line: ProgressBar,
): Promise<Outcome> {
  const answers = await measureAnswers(dataFolder, seconds, counted(line, 'models'));
  const isWell = Object.values(answers).every(
    ({ decodeStepMs, computedMs }) => computedMs.p99 <= decodeStepMs + bars.answerMs,
  );
  return { figures: { answers }, isWell };
}

async function goingOn({ long: frames }: Options, dataFolder: string, line: ProgressBar): Promise<Outcome> {
  const long = await makeLongVideo(dataFolder, frames, (made) => counted(line, 'frames')(made, frames));
  const { costOfMiddle, costOfLast, bytesPerFrame, cachedFrames, gif, apng } = long;
  const growth = Math.max(costOfMiddle, costOfLast, bytesPerFrame.secondHalf / bytesPerFrame.firstHalf);
  const isWell =
    growth <= bars.growth &&
    cachedFrames.early === cachedFrames.last &&
    [gif, apng].every((file) => file.frames === frames && file.growthMebibytes <= bars.memoryMebibytes);
  return { figures: { long }, isWell };
}

async function overloading({ overload: seconds }: Options, dataFolder: string): Promise<Outcome> {
  const figures = await overload(dataFolder, seconds);
  const isWell = figures.refused > 0 && figures.otherwise + figures.lost === 0;
  return { figures: { overload: figures }, isWell };
}

async function decoding(_options: Options, dataFolder: string, line: ProgressBar): Promise<Outcome> {
  const images = await hostileImages();
  const figures = { images: images.length, largestMs: 0, largestMebibytes: 0, wrong: 0 };
  for await (const { name, outcome, cpuMilliseconds, mebibytes } of decodingCosts(dataFolder, images)) {
    line.say(`${cpuMilliseconds} ms, ${mebibytes} MiB, ${outcome}: ${name}`);
    figures.largestMs = Math.max(figures.largestMs, cpuMilliseconds);
    figures.largestMebibytes = Math.max(figures.largestMebibytes, mebibytes);
    if (images.find((image) => image.name === name)?.outcome !== outcome) figures.wrong += 1;
  }
  const isCheap =
    figures.largestMs <= decodingBars.cpuMilliseconds && figures.largestMebibytes <= decodingBars.mebibytes;
  return { figures: { decoding: figures }, isWell: isCheap && figures.wrong === 0 };
}

async function repeating(
  { idempotency: keys, seed }: Options,
  dataFolder: string,
  line: ProgressBar,
): Promise<Outcome> {
  const state = new StoredState(join(dataFolder, 'do'));
  const figures = await repeatOrders({ dataFolder, state }, { keys, seed }, (done) =>
    counted(line, 'keys')(done, keys),
  );
  const { jobs, extensions, holds, different, unanswered } = figures;
  const isWell = jobs + extensions === keys && holds === keys && different + unanswered === 0;
  return { figures, isWell };
}

function counted(line: ProgressBar, what: string): (done: number, total: number) => void {
  return (done, total) => line.show(done, total, `${bar(done, total)} ${what}`);
}
