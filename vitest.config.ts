import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { serviceKey } from './test/service-key.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/worker/**', 'test/browser/**'],
          testTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            // Wakes of a few frames, so that a short video takes several; a limit that a test reaches soon.
            miniflare: {
              bindings: {
                WAKE_SECONDS: '0.05',
                UNFINISHED_VIDEOS: '40',
                STARTING_CREDITS: '1000000000',
                ACCOUNT_REQUESTS: '1000000000',
                ADDRESS_REFUSALS: '200',
                RATES_COUNTED_BY: 'isolate',
                LOG_LEVEL: 'error',
                ADMIN_KEY: serviceKey,
                X402_RECEIVER: '0x1111111111111111111111111111111111111111',
                X402_FACILITATOR: 'http://facilitator.invalid',
                X402_NODE: 'http://facilitator.invalid/node',
              },
              ratelimits: { ACCOUNT_RATE: { namespace_id: '1001', simple: { limit: 3, period: 10 } } },
            },
          }),
        ],
        // One workerd for all files: loading the Worker takes longer than most of them.
        test: {
          name: 'workerd',
          include: ['test/worker/**/*.test.ts'],
          testTimeout: 120_000,
          isolate: false,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
