import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ProgressBar } from '../../src/command/progress-bar.ts';
import { Runtime } from '../chaos/runtime.ts';
import { FuzzCampaign, isWell } from './fuzz-campaign.ts';

const help = `npm run fuzz -- [options]: sends the Worker, in the real runtime, requests that are valid, nearly so, or none

  --requests <number>  how many (2000)
  --seed <number>      determines every one of them (1)
  --first <number>     index of the first: goes on with a campaign, or repeats one request (0)
  --help

Three of four requests follow from the OpenAPI document, every fourth is bytes over a bare connection. The last line is
a JSON object; the exit status is 1 if the Worker answered with 5xx, otherwise than the document says, or logged an error.`;

const text = (byDefault: string) => ({ type: 'string', default: byDefault }) as const;
const { values } = parseArgs({
  options: {
    requests: text('2000'),
    seed: text('1'),
    first: text('0'),
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(help);
else
  process.exitCode = (await fuzz(Number(values.requests), Number(values.seed), Number(values.first))) ? 0 : 1;

async function fuzz(requests: number, seed: number, first: number): Promise<boolean> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'magi-fuzz-'));
  const runtime = await Runtime.open({ dataFolder, kind: 'direct' });
  const line = new ProgressBar(process.stdout);
  const began = performance.now();
  try {
    await runtime.serve({ UNFINISHED_VIDEOS: '6' });
    const campaign = new FuzzCampaign(runtime, seed);
    campaign.onProblem = (problem) => line.say(problem);
    const figures = await campaign.run(requests, first, (done) =>
      line.show(done, requests, `${done}/${requests}`),
    );
    line.end();
    console.log(JSON.stringify({ ...figures, seconds: Math.round((performance.now() - began) / 1000) }));
    return isWell(figures);
  } finally {
    await runtime.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}
