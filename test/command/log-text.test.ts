import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { logText } from '../../src/command/log-text.ts';

const time = new Date(2026, 10, 5, 14, 3, 9).toISOString();

function shown(line: object): string {
  return stripVTControlCharacters(logText(JSON.stringify({ time, level: 'info', ...line })));
}

it('shows a request as one line of time, method, route, status, duration and why it was refused', () => {
  const request = { event: 'request', requestId: 'r', method: 'GET', route: '/v1/videos/:id' };
  expect(shown({ ...request, status: 200, milliseconds: 4 })).toMatch(
    /^14:03:09 {2}GET +\/v1\/videos\/:id +200 +4 ms$/,
  );
  expect(shown({ ...request, status: 404, milliseconds: 0, error: 'job_not_found' })).toMatch(
    /404 +0 ms {2}job_not_found$/,
  );
});

it('shows of a fault what happened where, and the stack', () => {
  const at = '    at made (frame.ts:3)';
  const request = { event: 'request', requestId: 'r-1', method: 'GET', route: '/v1/models', status: 500 };
  expect(shown({ ...request, milliseconds: 1, error: 'Error: broken', stack: at })).toContain(
    `Error: broken  r-1\n${at}`,
  );
  const frame = {
    event: 'frame not made',
    job: 'a1',
    frame: 3,
    attempt: 2,
    error: 'Error: broken',
    stack: at,
  };
  expect(shown(frame)).toBe(`14:03:09  frame not made  Error: broken  job a1, frame 3, attempt 2\n${at}`);
});

it('leaves text alone that is no line of the log', () => {
  for (const text of ['hello', '{ "a": 1 }', '{']) expect(logText(text)).toBe(text);
});
