import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openHold, settleHolds } from '../../src/billing/holds.ts';
import { Manifest } from '../../src/contract/manifest.ts';
import type { Example, Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/route-table.ts';
import { encodePng } from '../../src/media/png.ts';
import { disc } from '../media/sample-image.ts';
import { TestService } from './test-service.ts';

const sprite = Manifest.parse(JSON.parse(await readFile('models/sprite/manifest.json', 'utf8')));

const png = encodePng(disc(64, 64));

/** A service of the sprite model with one video, as the examples speak of it. */
async function exampleService(example: Example) {
  const { before = 'completed' } = example;
  const service = new TestService({
    multiplyAddsPerCredit: 1e7,
    speed: { multiplyAddsPerSecond: 5e9, wakeSeconds: 3 },
    models: {
      names: ['sprite'],
      byDefault: 'sprite',
      manifest: async (name) => (name === 'sprite' ? sprite : null),
      build: async () => 'build-1',
    },
  });
  if (JSON.stringify(example).includes('video_')) {
    const { id } = await service.created({ prompt: 'walk', frames: 24, seed: 7 });
    service.jobs.commit(id, new Array(before === 'completed' ? 24 : 12).fill(png), before);
  }
  await fillLedger(service);
  await service.keys.create({ account: 'acme', name: 'Ada', scopes: ['read', 'generate'] });
  return service;
}

/** Half a video has been made and paid. */
async function fillLedger({ ledger }: TestService): Promise<void> {
  await ledger.credit('invoice 17', 100_000);
  const price = { frames: 24, frameCredits: 70 };
  openHold(ledger.book, { jobId: 'video_0', price, now: 0, maximum: 1 });
  const settlements = [{ hold: 0, captured: 12, isFinal: false }];
  settleHolds(ledger.book, 'video_0', { settlements, isGone: false }, 0);
}

function requestPath(route: Route, { path = {}, query }: Example): string {
  const filled = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => path[name] ?? '');
  return query === undefined ? filled : `${filled}?${new URLSearchParams(query)}`;
}

/** With the ids of the one video and the one key that there are. */
function served(text: string, { keys }: TestService): string {
  return text.replaceAll(/video_[0-9a-f]+/g, 'video_0').replaceAll(/key_[0-9a-f]{32}/g, keys.ids[0] ?? '');
}

/** Ids, keys and times are others each time. */
function comparable(answer: unknown): unknown {
  const text = JSON.stringify(answer, (key, value) => (/_at$/.test(key) ? null : value));
  const ids = /(video_|key_|magi_|token=)[\w.-]+/g;
  return JSON.parse(text.replaceAll(ids, '$1'));
}

const all = routes.flatMap((route) =>
  (route.examples ?? []).map((example) => ({ name: `${route.name}: ${example.summary}`, route, example })),
);

it.each(all)('the example of $name is answered as it says', async ({ route, example }) => {
  const service = await exampleService(example);
  const answer = await service.request(served(requestPath(route, example), service), {
    method: route.method,
    ...(example.body === undefined
      ? {}
      : {
          body: served(JSON.stringify(example.body), service),
          headers: { 'content-type': 'application/json' },
        }),
  });
  expect(answer.status).toBe(200);
  if (example.answer === undefined) await answer.body?.cancel();
  else expect(comparable(await answer.json())).toEqual(comparable(example.answer));
});

it('every route has an example', () => {
  const without = routes.filter(({ examples = [] }) => examples.length === 0).map(({ name }) => name);
  expect(without).toEqual([]);
});
