import { expect, it } from 'vitest';
import { JobStatus } from '../../src/contract/job.ts';
import { isFinished, isRunning, isVisible, nextStatus, stateTable } from '../../src/job/state-table.ts';

const where = (is: (status: JobStatus) => boolean) => JobStatus.options.filter(is);

it('a job runs from its first frame to its last', () => {
  expect(nextStatus('queued', 'frame_committed')).toBe('in_progress');
  expect(nextStatus('in_progress', 'frame_committed')).toBe('in_progress');
  expect(nextStatus('in_progress', 'last_frame_committed')).toBe('completed');
});

it('a video of one frame is finished by its first one', () => {
  expect(nextStatus('queued', 'last_frame_committed')).toBe('completed');
});

it('any running job can be given up, paused and cancelled', () => {
  expect(where(isRunning)).toEqual(['queued', 'in_progress']);
  for (const status of where(isRunning)) {
    expect(nextStatus(status, 'given_up')).toBe('failed');
    expect(nextStatus(status, 'paused')).toBe('paused');
    expect(nextStatus(status, 'cancelled')).toBe('cancelled');
  }
});

it('a paused job makes nothing until it is resumed', () => {
  for (const event of ['frame_committed', 'last_frame_committed', 'given_up', 'paused', 'extended'] as const)
    expect(() => nextStatus('paused', event)).toThrow(RangeError);
  expect(nextStatus('paused', 'resumed')).toBe('queued');
});

it('a finished video takes no frame and no command but extension', () => {
  expect(where(isFinished)).toEqual(['completed', 'failed', 'cancelled']);
  for (const status of where(isFinished)) {
    expect(Object.keys(stateTable[status])).toEqual(['extended', 'expired', 'removed']);
    expect(nextStatus(status, 'extended')).toBe('queued');
  }
});

it('a running job does not expire', () => {
  for (const status of where(isRunning)) expect(() => nextStatus(status, 'expired')).toThrow(RangeError);
});

it('every video can be removed once, and nothing leads out of that', () => {
  for (const status of JobStatus.options.filter((status) => status !== 'removed'))
    expect(nextStatus(status, 'removed')).toBe('removed');
  expect(stateTable.removed).toEqual({});
});

it('an expired video is seen by nobody and can only be removed', () => {
  expect(where((status) => !isVisible(status))).toEqual(['expired', 'removed']);
  expect(Object.keys(stateTable.expired)).toEqual(['removed']);
});
