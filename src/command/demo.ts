import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { parseArgs } from 'node:util';
import { VideoClient, type VideoOrder } from '../client/video-client.ts';
import type { ModelCard, Video } from '../contract/job.ts';
import { startLocalService } from './local-service.ts';
import { ProgressBar, progressLine } from './progress-bar.ts';

const help = `npm run demo -- [options]: makes a video through the HTTP API of a local Worker

  --model <name>      model (sprite)
  --frames <number>   frames of the video (48)
  --labels <list>     schedule, such as walk:0,jump:20,walk:32 (that one, where the model knows these labels)
  --seed <number>     seed (1)
  --image <file>      first frame: PNG, JPEG or WebP (examples/first-frame.png, or drawn by the model)
  --out <folder>      where demo.gif and demo-frames.png go (out)
  --help`;

const exampleImage = fileURLToPath(new URL('../../examples/first-frame.png', import.meta.url));

/** Of the longer side of a frame in the files that are written. */
const largestPixels = 256;

const largestScale = 8;

interface DemoOptions {
  readonly model: string;
  readonly frames: number;
  readonly seed: number;
  readonly labels: string | undefined;
  readonly image: string | undefined;
  readonly out: string;
}

/** Starts the Worker, has it make a video, writes the video's files and ends. */
export async function demo(args: string[]): Promise<void> {
  const options = demoOptions(args);
  if (options === null) {
    console.log(help);
    return;
  }
  const dataFolder = await mkdtemp(join(tmpdir(), 'magi-demo-'));
  const service = await startLocalService({ port: 0, dataFolder });
  try {
    await run(new VideoClient(service.address, service.key), options);
  } finally {
    await service.stop();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

function demoOptions(args: string[]): DemoOptions | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      model: { ...text, default: 'sprite' },
      frames: { ...text, default: '48' },
      seed: { ...text, default: '1' },
      labels: text,
      image: text,
      out: { ...text, default: 'out' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    model: values.model,
    frames: Number(values.frames),
    seed: Number(values.seed),
    labels: values.labels,
    image: values.image,
    out: values.out,
  };
}

async function run(client: VideoClient, options: DemoOptions): Promise<void> {
  const model = await client.model(options.model);
  const order = await orderOf(options, model);
  const schedule = (order.labels ?? []).map(({ from, label }) => `${label} from frame ${from}`).join(', ');
  console.log(
    `${options.frames} frames of ${model.id}, ${model.size}${schedule === '' ? '' : `: ${schedule}`}`,
  );
  const began = performance.now();
  const video = await finished(client, await client.create(order));
  const seconds = (performance.now() - began) / 1000;
  const files = await writeFiles(client, video, model, options.out);
  const rate = (video.frames.committed / seconds).toFixed(1);
  console.log(
    `${video.frames.committed} frames in ${seconds.toFixed(1)} s, ${rate} a second, loading included`,
  );
  for (const file of files) console.log(relative(process.cwd(), file));
}

async function orderOf(options: DemoOptions, model: ModelCard): Promise<VideoOrder> {
  const { frames, seed } = options;
  const image = options.image ?? (model.channels === 4 ? exampleImage : undefined);
  const labels =
    options.labels === undefined ? defaultSchedule(frames, model) : parseSchedule(options.labels);
  const order = { model: model.id, frames, seed, labels };
  return image === undefined ? order : { ...order, image: await readFile(image) };
}

/** `walk:0,jump:20` */
function parseSchedule(text: string): { from: number; label: string }[] {
  return text.split(',').map((entry) => {
    const [label = '', from = '0'] = entry.split(':');
    return { label: label.trim(), from: Number(from) };
  });
}

/** Walk, jump, walk; none where the model knows no such labels. */
function defaultSchedule(frames: number, model: ModelCard): { from: number; label: string }[] {
  if (!['walk', 'jump'].every((label) => model.labels.includes(label))) return [];
  const schedule = [
    { from: 0, label: 'walk' },
    { from: Math.round((frames * 20) / 48), label: 'jump' },
    { from: Math.round((frames * 32) / 48), label: 'walk' },
  ];
  return schedule.filter(({ from }, index) => index === 0 || from > (schedule[index - 1]?.from ?? 0));
}

/** Follows a video to its end; the rate counts from the first frame on, because the first one waits for the model. */
async function finished(client: VideoClient, created: Video): Promise<Video> {
  const bar = new ProgressBar(process.stdout);
  let first: { at: number; committed: number } | null = null;
  for await (const event of client.follow(created.id)) {
    if (event.type === 'frame') continue;
    if (event.type === 'progress') {
      const { committed, requested } = event.data;
      if (first === null && committed > 0) first = { at: performance.now(), committed };
      const seconds = first === null ? 0 : (performance.now() - first.at) / 1000;
      const rate = seconds > 0 ? (committed - (first?.committed ?? 0)) / seconds : 0;
      const line = progressLine({ done: committed, total: requested, rate });
      bar.show(committed, requested, line);
      continue;
    }
    bar.end();
    if (event.type === 'completed') return event.data;
    throw new Error(
      event.type === 'failed'
        ? `the video failed: ${event.data.error?.message}`
        : `the video was ${event.type} by somebody else`,
    );
  }
  throw new Error('the video has no end');
}

async function writeFiles(
  client: VideoClient,
  video: Video,
  model: ModelCard,
  out: string,
): Promise<string[]> {
  const side = Math.max(...model.size.split('x').map(Number));
  const scale = Math.max(1, Math.min(largestScale, Math.floor(largestPixels / side)));
  await mkdir(out, { recursive: true });
  const gif = join(out, 'demo.gif');
  const sheet = join(out, 'demo-frames.png');
  await writeFile(gif, await client.content(video.id, { format: 'gif', scale }));
  await writeFile(
    sheet,
    await client.content(video.id, { variant: 'spritesheet', scale: Math.ceil(scale / 2) }),
  );
  return [gif, sheet];
}
