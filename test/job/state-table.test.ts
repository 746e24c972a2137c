import { expect, it } from 'vitest';
import { JobStatus } from '../../src/contract/job.ts';
import { isRunning, nextStatus } from '../../src/job/state-table.ts';

it('a job runs from its first frame to its last', () => {
  expect(nextStatus('queued', 'frame_committed')).toBe('in_progress');
  expect(nextStatus('in_progress', 'frame_committed')).toBe('in_progress');
  expect(nextStatus('in_progress', 'last_frame_committed')).toBe('completed');
});

it('a video of one frame is finished by its first one', () => {
  expect(nextStatus('queued', 'last_frame_committed')).toBe('completed');
});

it('any running job can be given up', () => {
  const running = JobStatus.options.filter(isRunning);
  expect(running).toEqual(['queued', 'in_progress']);
  for (const status of running) expect(nextStatus(status, 'given_up')).toBe('failed');
});

it('nothing leads out of a terminal state', () => {
  for (const status of ['completed', 'failed'] as const) {
    for (const event of ['frame_committed', 'last_frame_committed', 'given_up'] as const) {
      expect(() => nextStatus(status, event)).toThrow(RangeError);
    }
  }
});
