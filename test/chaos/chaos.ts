import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ProgressBar } from '../../src/command/progress-bar.ts';
import { type Options, type Outcome, trialsOf } from './trials.ts';

const help = `npm run chaos -- [options]: mistreats the working service, and compares what it makes with what it should make

  --kills <number>        kill -9 at so many random moments
  --points                once at every named crash point
  --disconnects <number>  break off so many connections to streams of events
  --restarts <number>     measure so many times how soon a killed service makes the next frame
  --full-disk             fill the disk under a video, then make room (mounts a small file system: takes root)
  --memory <number>       so many videos of each model one after another, under the memory caps of a Worker
  --wakes <frames>        CPU time of every wake of videos of so many frames, and kill -9 at the limit
  --answers <seconds>     ask for a video at a steady rate while it is made, for so long
  --long <frames>         one video of so many frames: what they cost, and what downloading them takes
  --idempotency <keys>    send orders under so many keys, each 100 times at once, and kill the service meanwhile
  --overload <seconds>    order twice as many videos as the service makes, for so long
  --images                decode bombs of every kind, and measure time and memory of each

  --seed <number>         of the moments and of the videos (1)
  --jobs <number>         videos in work at a time while it is killed (4)
  --length <number>       how many times as long as 4 to 17 frames these videos are (1)
  --cpu-limit <seconds>   CPU time at which a wake is killed (30)
  --help

Without options: 20 kills and all crash points. The last line is a JSON object; the exit status is 1 if a promise is
broken in it.`;

const options = chaosOptions();
if (options === null) console.log(help);
else process.exitCode = (await chaos(options)) ? 0 : 1;

function chaosOptions(): Options | null {
  const number = (byDefault: number) => ({ type: 'string', default: String(byDefault) }) as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      ...{ kills: number(0), points: flag, disconnects: number(0), restarts: number(0), 'full-disk': flag },
      ...{
        memory: number(0),
        wakes: number(0),
        answers: number(0),
        long: number(0),
        overload: number(0),
        images: flag,
      },
      idempotency: number(0),
      ...{ seed: number(1), jobs: number(4), length: number(1), 'cpu-limit': number(30), help: flag },
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
    wakes: Number(values.wakes),
    cpuLimit: Number(values['cpu-limit']),
    answers: Number(values.answers),
    long: Number(values.long),
    overload: Number(values.overload),
    images: values.images,
    idempotency: Number(values.idempotency),
    seed: Number(values.seed),
    jobs: Number(values.jobs),
    length: Number(values.length),
  };
  return trialsOf(given).length === 0 ? { ...given, kills: 20, points: true } : given;
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
