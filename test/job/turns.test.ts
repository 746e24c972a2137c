import { expect, it } from 'vitest';
import { busyRetryMilliseconds, Turns } from '../../src/job/turns.ts';

it('lets the job that waits longest go first, whoever asks most often', () => {
  const turns = new Turns();
  turns.wait('early', 0);
  turns.wait('late', 1);
  turns.wait('early', 100);
  expect([turns.isNext('new', 101), turns.isNext('late', 101), turns.isNext('early', 101)]).toEqual([
    false,
    false,
    true,
  ]);
});

it('forgets a job that does not come back, so that a removed one blocks nobody', () => {
  const turns = new Turns();
  turns.wait('gone', 0);
  turns.wait('here', 900);
  expect(turns.isNext('here', 999)).toBe(false);
  expect(turns.isNext('here', 1001)).toBe(true);
});

it('gives three jobs a chunk each in turn, although the one that has just computed asks first', () => {
  const turns = new Turns();
  const alarms = new Map([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ]);
  const order: string[] = [];
  let busyUntil = 0;
  for (let now = 0; order.length < 12; now++) {
    for (const [job, alarm] of alarms) {
      if (alarm > now) continue;
      if (turns.isNext(job, now) && now >= busyUntil) {
        turns.leave(job);
        order.push(job);
        busyUntil = now + 350;
        alarms.set(job, busyUntil);
      } else {
        turns.wait(job, now);
        alarms.set(job, now + busyRetryMilliseconds);
      }
    }
  }
  expect(order.join('')).toBe('abcabcabcabc');
});
