import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as workerOptions } from 'wrangler';
import { computedMilliseconds } from '../test/chaos/process-figures.ts';

const configFile = join(import.meta.dirname, '..', 'wrangler.toml');

/** The quickest of so many starts counts: what makes one slower is the machine. */
const starts = 3;

/**
 * CPU milliseconds of the thread that runs the Worker to load the modules of a bundle and answer one request, beyond
 * those of a Worker without any code. The platform measures the like when a Worker is uploaded. Linux only.
 * @param folder what `wrangler deploy --dry-run --outdir` wrote
 */
export async function startupMilliseconds(folder: string): Promise<number> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.wasm'));
  const wasm = files.map((name) => ({ type: 'CompiledWasm', path: join(folder, name) }));
  const whole = [{ type: 'ESModule', path: join(folder, 'worker.js') }, ...wasm];
  const answer = 'export default { fetch: () => new Response(null, { status: 404 }) };';
  const classes = ['JobObject', 'AccountObject', 'KeyRingObject', 'PaymentObject'].map(
    (name) => `export class ${name} {}`,
  );
  const contents = [answer, ...classes].join('\n');
  const empty = [{ type: 'ESModule', path: join(folder, 'empty.js'), contents }];
  let [loading, nothing] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let start = 0; start < starts; start++) {
    nothing = Math.min(nothing, await untilFirstAnswer(folder, empty));
    loading = Math.min(loading, await untilFirstAnswer(folder, whole));
  }
  return Math.round(loading - nothing);
}

async function untilFirstAnswer(modulesRoot: string, modules: object[]): Promise<number> {
  const { workerOptions: options } = workerOptions(configFile) as unknown as { workerOptions: object };
  const before = children();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...options,
      ...{
        modulesRules: undefined,
        name: 'magi-worker',
        modules,
        modulesRoot,
        cf: false,
        logRequests: false,
      },
    } as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
  try {
    const { status } = await miniflare.dispatchFetch('http://bundle.invalid/nothing');
    if (status !== 404) throw new Error(`the first answer was ${status}`);
    const [runtime] = children().filter((pid) => !before.includes(pid));
    if (runtime === undefined) throw new Error('the runtime is no child of this process');
    return computedMilliseconds(runtime);
  } finally {
    await miniflare.dispose();
  }
}

/** Ids of this process's children. */
function children(): number[] {
  const threads = readdirSync('/proc/self/task');
  const lists = threads.map((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8'));
  return lists.flatMap((list) =>
    list
      .split(' ')
      .filter((id) => id !== '')
      .map(Number),
  );
}
