import { expect, it } from 'vitest';
import { fault, jsonLog, LogLine } from '../../src/contract/log.ts';
import { withoutSecrets } from '../../src/contract/secret.ts';

const key = 'mk_live_Zt4wq9YVbN2xH0sLkC7uRj3fPd8aTgEo';
const id = `video_${'0123456789abcdef'.repeat(4)}`;

it('writes one JSON line with the time, and below the wanted level nothing', () => {
  const written: [string, string][] = [];
  const log = jsonLog(
    (level, text) => written.push([level, text]),
    () => 1_700_000_000_123,
    'error',
  );
  log({ level: 'info', event: 'request' });
  log({ level: 'error', event: 'frame not made', error: 'two\nlines' });
  expect(written.map(([level]) => level)).toEqual(['error']);
  const [, text = ''] = written[0] ?? [];
  expect(text).not.toContain('\n');
  expect(LogLine.parse(JSON.parse(text))).toEqual({
    time: '2023-11-14T22:13:20.123Z',
    level: 'error',
    event: 'frame not made',
    error: 'two\nlines',
  });
});

it('keeps of a fault its name, message and place, but no secret that its message quotes', () => {
  const { error, stack } = fault(new TypeError(`no ${key}\nand more of ${key}`));
  expect(error).toBe('TypeError: no [cut]\nand more of [cut]');
  expect(stack).toContain('log.test.ts');
  expect(stack).not.toContain(key);
  expect(fault(`thrown ${key}`)).toEqual({ error: 'thrown [cut]' });
});

it('cuts keys, signatures and webhook secrets out of a text, and leaves words and ids of videos', () => {
  const secrets = [
    key,
    'a'.repeat(64),
    'whsec_MfKQ9r8GKYqrTwjU/PD8I+LPZIo2LaLaSw==',
    `${'aB3-'.repeat(11)}=`,
  ];
  for (const secret of secrets) expect(withoutSecrets(`was "${secret}".`)).toBe('was "[cut]".');
  const harmless = `There is no video "${id}"; GET /v1/videos/extensions, input_reference.image_url, 9007199254740991.`;
  expect(withoutSecrets(harmless)).toBe(harmless);
});
