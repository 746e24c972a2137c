import { readFileSync } from 'node:fs';
import type { Browser, Page, Worker } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenPlan, goldenSummary } from '../../bench/golden-video.ts';
import { nodeBackend } from '../../src/backend/node-backend.ts';
import { FloatGolden, QuantisedGolden } from '../../src/contract/golden-vectors.ts';
import { Past } from '../../src/engine/past.ts';
import { startChromium } from './chromium.ts';
import { PageServer } from './page-server.ts';

const MODEL = 'nano';
const GOLDEN = 'models/nano/float/golden/float.json';
const DAMAGED = 'backbone-0.bin';

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('models/nano in Chromium', () => {
  let server: PageServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await startChromium();
    server = await PageServer.start(`${MODEL}/${DAMAGED}`);
    page = await browser.newPage();
    await page.goto(`${server.origin}/page.html`);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test('makes the golden video in a page, byte for byte as in Node and as recorded', async () => {
    const made = await goldenVideo(page);
    expect(made).toEqual(await goldenVideoInNode());
    expect(made).toEqual(QuantisedGolden.parse(json(`models/${MODEL}/golden/int8.json`)));
  });

  test('makes the same video in a web worker', async () => {
    const worker = await startWebWorker();
    expect(await goldenVideo(worker)).toEqual(await goldenVideoInNode());
  });

  test('refuses a shard with a flipped bit, naming it', async () => {
    await expect(goldenVideo(page, 'damaged')).rejects.toThrow(`ModelFileError: ${DAMAGED}: has SHA-256`);
  });

  async function startWebWorker(): Promise<Worker> {
    const started = page.waitForEvent('worker');
    await page.evaluate('void new Worker(URL.createObjectURL(new Blob([])))');
    return started;
  }

  function goldenVideo(place: Page | Worker, models = 'models'): Promise<QuantisedGolden> {
    const { origin } = server;
    const parameters = [`${origin}/${models}`, `${origin}/runtime.wasm`, MODEL, `${origin}/${GOLDEN}`];
    const call = `makeGoldenVideo(...${JSON.stringify(parameters)})`;
    const script = `import('${origin}/in-browser.js').then(({ makeGoldenVideo }) => ${call})`;
    return (place as Pick<Page, 'evaluate'>).evaluate<QuantisedGolden>(script);
  }
});

async function goldenVideoInNode(): Promise<QuantisedGolden> {
  const { video } = FloatGolden.parse(json(GOLDEN));
  const model = await nodeBackend('models').tryAcquire()?.open(MODEL);
  if (!model) throw new Error('a fresh backend is free');
  const plan = goldenPlan(video, model.manifest);
  const frames = await Array.fromAsync(model.generate(Past.empty(model.manifest), plan));
  return goldenSummary(frames, video, model.manifest);
}
