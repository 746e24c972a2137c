import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LocalService, startLocalService } from './local-service.ts';
import { logText } from './log-text.ts';

const help = `npm start -- [options]: the API on this machine, until Ctrl+C

  --port <number>   port on 127.0.0.1, 0 for any free one (8787)
  --data <folder>   where videos and the key are kept; unfinished videos go on by themselves (.wrangler/state)
  --json            log as JSON lines, as a deployed Worker writes it
  --help`;

/** Serves the API until it is stopped, and says how to call it. */
export async function start(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '8787' },
      data: { type: 'string', default: join('.wrangler', 'state') },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const onLog = (text: string) => console.log(values.json ? text : logText(text));
  const service = await startLocalService({ port: Number(values.port), dataFolder: values.data, onLog });
  console.log(greeting(service));
  await stopSignal();
  await service.stop();
}

function greeting({ address, key }: LocalService): string {
  const curl = 'curl -H "authorization: Bearer $MAGI_KEY"';
  return `Listening on ${address}

  export MAGI_KEY=${key}
  ${curl} ${address}/v1/models
  ${curl} ${address}/v1/videos -H 'content-type: application/json' -d '{"prompt": "walk", "frames": 24}'
  ${curl} ${address}/v1/videos -F input_reference=@examples/first-frame.png -F prompt=walk
  ${curl} ${address}/v1/videos/{id}
  ${curl} -N ${address}/v1/videos/{id}/events
  ${curl} '${address}/v1/videos/{id}/content?format=gif&scale=4' -o video.gif
`;
}

function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once('SIGINT', () => resolve());
  process.once('SIGTERM', () => resolve());
  return promise;
}
