import { fileURLToPath, URL } from 'node:url';
import { expect, it } from 'vitest';
import { unstable_readConfig as readConfig } from 'wrangler';
import { limits } from '../../src/contract/config.ts';

it("the platform's counters have the numbers that refusals name", () => {
  const { ratelimits, vars } = readConfig({
    config: fileURLToPath(new URL('../../wrangler.toml', import.meta.url)),
  });
  const counted = Object.fromEntries(
    ratelimits.map(({ name, simple }: { name: string; simple: object }) => [name, simple]),
  );
  expect(counted).toEqual({
    ACCOUNT_RATE: { limit: Number(vars.ACCOUNT_REQUESTS), period: limits.ratePeriodSeconds },
    REFUSAL_RATE: { limit: Number(vars.ADDRESS_REFUSALS), period: limits.ratePeriodSeconds },
  });
});
