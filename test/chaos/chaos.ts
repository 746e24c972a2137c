import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bar, ProgressBar } from '../../src/command/progress-bar.ts';
import { Campaign } from './campaign.ts';
import { crashPointBindings, dieAt } from './crash-points.ts';
import { disconnect } from './disconnects.ts';
import { fillDisk } from './full-disk.ts';
import { watchMemory } from './memory.ts';
import { plansOf } from './order-book.ts';
import { measureRestarts } from './restarts.ts';
import { Runtime } from './runtime.ts';
import { StoredState } from './stored-state.ts';

const help = `npm run chaos -- [options]: mistreats the working service, and compares what it makes with what it should make

  --kills <number>        kill -9 at so many random moments
  --points                once at every named crash point
  --disconnects <number>  break off so many connections to streams of events
  --restarts <number>     measure so many times how soon a killed service makes the next frame
  --full-disk             fill the disk under a video, then make room (mounts a small file system: takes root)
  --memory <number>       so many videos one after another, under the memory caps of a Worker

  --seed <number>         of the moments and of the videos (1)
  --jobs <number>         videos in work at a time while it is killed (4)
  --length <number>       how many times as long as 4 to 17 frames these videos are (1)
  --help

Without options: 20 kills and all crash points. The last line is a JSON object; the exit status is 1 if a promise is
broken in it.`;

/** Memory that a Worker may have beyond what the idle runtime takes. */
const memoryBarMebibytes = 100;

/** From the first request after a restart to the next frame, as median. */
const restartBarMs = 1000;

interface Options {
  readonly kills: number;
  readonly points: boolean;
  readonly disconnects: number;
  readonly restarts: number;
  readonly fullDisk: boolean;
  readonly memory: number;
  readonly seed: number;
  readonly jobs: number;
  readonly length: number;
}

/** What came of one kind of mistreatment. */
interface Outcome {
  readonly figures: object;
  readonly isWell: boolean;
}

type Trial = (options: Options, folder: string, line: ProgressBar) => Promise<Outcome>;

const options = chaosOptions();
if (options === null) console.log(help);
else process.exitCode = (await chaos(options)) ? 0 : 1;

function chaosOptions(): Options | null {
  const number = (byDefault: number) => ({ type: 'string', default: String(byDefault) }) as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      ...{ kills: number(0), points: flag, disconnects: number(0), restarts: number(0) },
      ...{
        'full-disk': flag,
        memory: number(0),
        seed: number(1),
        jobs: number(4),
        length: number(1),
        help: flag,
      },
    },
  });
  if (values.help) return null;
  const given = {
    kills: Number(values.kills),
    points: values.points,
    disconnects: Number(values.disconnects),
    restarts: Number(values.restarts),
    fullDisk: values['full-disk'],
    memory: Number(values.memory),
    seed: Number(values.seed),
    jobs: Number(values.jobs),
    length: Number(values.length),
  };
  return trialsOf(given).length === 0 ? { ...given, kills: 20, points: true } : given;
}

function trialsOf({ kills, points, disconnects, restarts, fullDisk, memory }: Options): Trial[] {
  return [
    ...(kills > 0 || points ? [killing] : []),
    ...(disconnects > 0 ? [disconnecting] : []),
    ...(restarts > 0 ? [restarting] : []),
    ...(fullDisk ? [filling] : []),
    ...(memory > 0 ? [remembering] : []),
  ];
}

/** True if all is well. */
async function chaos(options: Options): Promise<boolean> {
  const line = new ProgressBar(process.stdout);
  const began = performance.now();
  const outcomes: Outcome[] = [];
  for (const trial of trialsOf(options)) {
    const folder = await mkdtemp(join(tmpdir(), 'magi-chaos-'));
    try {
      outcomes.push(await trial(options, folder, line));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  const figures = Object.assign({}, ...outcomes.map((outcome) => outcome.figures), { seconds });
  console.log(JSON.stringify(figures));
  return outcomes.every(({ isWell }) => isWell);
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
    const isWell = milliseconds.withRequest.median <= restartBarMs;
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
  const memory = await watchMemory(dataFolder, jobs, (done) =>
    line.show(done, jobs, `${bar(done, jobs)} videos`),
  );
  return { figures: { memory }, isWell: memory.growthMebibytes <= memoryBarMebibytes };
}
