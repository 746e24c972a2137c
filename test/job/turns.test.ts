import { expect, it } from 'vitest';
import { Turns } from '../../src/job/turns.ts';

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

it('forgets a job that does not come back, so that a killed one blocks nobody for long', () => {
  const turns = new Turns();
  turns.wait('gone', 0);
  turns.wait('here', 1900);
  expect(turns.isNext('here', 2000)).toBe(false);
  expect(turns.isNext('here', 2001)).toBe(true);
});

it('keeps the place of a job that looks again whenever it was told to, however far back', () => {
  const turns = new Turns();
  const due = new Map(Array.from({ length: 50 }, (_, job) => [`job ${job}`, 0]));
  for (let now = 0; now < 20_000; now++) {
    for (const [job, time] of due) if (time === now) due.set(job, now + turns.wait(job, now));
    expect(turns.isNext('job 49', now)).toBe(false);
  }
  for (let job = 0; job < 49; job++) turns.leave(`job ${job}`);
  expect(turns.isNext('job 49', 20_000)).toBe(true);
});

it('lets who is next look soon, and who is far behind rarely', () => {
  const turns = new Turns();
  const waits = Array.from({ length: 30 }, (_, job) => turns.wait(`job ${job}`, 0));
  expect([waits[0], waits[1], waits[9], waits[29]]).toEqual([20, 40, 200, 400]);
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
        alarms.set(job, now + turns.wait(job, now));
      }
    }
  }
  expect(order.join('')).toBe('abcabcabcabc');
});
