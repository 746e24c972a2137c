import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Campaign } from './campaign.ts';
import { dieAt, dieExpiring, dieForgetting } from './crash-points.ts';
import { type Plan, plansOf } from './order-book.ts';

/** All kinds but the ones that take long. */
const plans = plansOf(1, 1).slice(0, 4);
const plain = plans[0] as Plan;
let dataFolder = '';
let campaign: Campaign;
const problems: string[] = [];

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'magi-chaos-'));
  campaign = await Campaign.prepare({
    seed: 1,
    jobs: 2,
    plans,
    dataFolder,
    say: (text) => problems.push(text),
  });
}, 60_000);

afterEach(async () => {
  await campaign.close();
  await rm(dataFolder, { recursive: true, force: true });
});

it('random kills and crash points change, lose and repeat no frame', async () => {
  // These two first: other videos would expire as soon.
  expect(await dieForgetting(campaign, plain)).toBe(true);
  expect(await dieExpiring(campaign, plain)).toBe(true);
  await campaign.killRepeatedly(3, () => undefined);
  await dieAt(campaign, 'write:frame#2!', plans);
  await dieAt(campaign, 'settle#1', plans);
  const { findings } = await campaign.finish();
  expect(problems).toEqual([]);
  expect(Object.values(findings).every((count) => count === 0)).toBe(true);
}, 240_000);
