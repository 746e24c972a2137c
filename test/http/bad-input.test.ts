import { describe, expect, it } from 'vitest';
import type { Video } from '../../src/contract/job.ts';
import { encodePng } from '../../src/media/png.ts';
import { disc } from '../media/sample-image.ts';
import { badInput, requestOf, takenKey } from './bad-input.ts';
import { refusal, TestService } from './test-service.ts';

const service = new TestService();
const paused = await service.postText('{"frames": 100}', { 'idempotency-key': takenKey });
const ids = {
  paused: ((await paused.json()) as Video).id,
  completed: (await service.created({ frames: 1 })).id,
};
service.jobs.commit(ids.paused, [], 'paused');
service.jobs.commit(ids.completed, [encodePng(disc(8, 6))], 'completed');
const existing = service.jobs.entries.length;

describe.each(Object.entries(badInput))('%s', (_, rows) => {
  for (const [name, request, status, code, param = null] of rows) {
    it(`refuses ${name}`, async () => {
      expect(await refusal(service.ask(...requestOf(request, ids)))).toEqual([status, code, param]);
    });
  }
});

it('creates nothing and changes nothing for a refused request', async () => {
  expect(service.jobs.entries).toHaveLength(existing);
  expect(service.jobs.entries.map(({ job }) => job.status)).toEqual(['paused', 'completed']);
});
