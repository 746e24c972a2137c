import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { urlProblem } from '../../src/contract/public-url.ts';
import { hostileUrls } from './hostile-urls.ts';

const codeOf = (text: string) => urlProblem(text)?.code ?? null;

describe('the rules for URLs of strangers', () => {
  it.each([
    'https://hooks.example.com',
    'https://hooks.example.com/a/path?query=1#fragment',
    'https://hooks.example.com:443/',
    'HTTPS://Hooks.Example.COM/',
    'https://xn--bcher-kva.example.com/',
    'https://bücher.example.com/',
    'https://1.2.3.4.example.com/',
    'https://local.example.com/',
    'https://example.com/?next=http://127.0.0.1/',
    'https://example.com/@127.0.0.1',
  ])('let %s through', (text) => {
    expect(urlProblem(text)).toBeNull();
  });

  it.each(hostileUrls)('refuse %j as %s', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it('end every message with what is allowed', () => {
    for (const [text] of hostileUrls) expect(urlProblem(text)?.message).toMatch(/^must .{15,}/);
  });

  it('let no IPv4 address through, however its parts are written', () => {
    const part = (value: number) =>
      fc.constantFrom(
        String(value),
        `0x${value.toString(16)}`,
        `0X${value.toString(16).toUpperCase()}`,
        `0${value.toString(8)}`,
        [...String(value)].map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join(''),
        [...String(value)].map((digit) => `%3${digit}`).join(''),
      );
    const byte = fc.nat(255).chain(part);
    const dot = fc.constantFrom('.', '。', '．', '%2E', '｡');
    const spelled = fc
      .record({
        parts: fc.oneof(
          fc.tuple(byte, byte, byte, byte),
          fc.tuple(byte, byte, fc.nat(0xffff).chain(part)),
          fc.tuple(byte, fc.nat(0xffffff).chain(part)),
          fc.tuple(fc.nat(0xffffffff).chain(part)),
        ),
        dots: fc.tuple(dot, dot, dot),
        end: fc.constantFrom('', '.', '/', ':443', '?', '#'),
      })
      .map(
        ({ parts, dots, end }) => parts.map((one, at) => (at === 0 ? '' : dots[at - 1]) + one).join('') + end,
      );
    fc.assert(
      fc.property(spelled, (host) => {
        expect(codeOf(`https://${host}`)).toBe('url_host');
      }),
      { numRuns: 2000 },
    );
  });

  it('let no IPv6 address through', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(codeOf(`https://[${address}]/`)).toBe('url_host');
      }),
    );
  });

  it('let nothing through that a parser reads as another scheme, port, user or kind of host', () => {
    const anything = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string({ unit: 'binary' }).map((text) => `https://${text}`),
      fc
        .array(
          fc.constantFrom(
            ...[
              'https://',
              'http:',
              '//',
              '@',
              ':',
              '\\',
              '.',
              '/',
              '[',
              ']',
              '%',
              '127',
              '1',
              '0x7f',
              'localhost',
            ],
            ...[
              'example',
              'com',
              '\t',
              '\u00ad',
              '。',
              '?',
              '#',
              '%00',
              'internal',
              '443',
              '80',
              'ⓛ',
              '-',
              '_',
            ],
          ),
          { maxLength: 12 },
        )
        .map((parts) => `https://${parts.join('')}`),
    );
    fc.assert(
      fc.property(anything, (text) => {
        if (urlProblem(text) !== null) return;
        const { protocol, username, password, port, hostname } = new URL(text);
        expect([protocol, username, password, port]).toEqual(['https:', '', '', '']);
        expect(hostname).toMatch(/^([a-z0-9-]+\.)+[a-z]([a-z0-9-]*[a-z0-9])?$/);
        expect(hostname).not.toMatch(/(^|\.)(localhost|local|internal|arpa|test)$/);
      }),
      { numRuns: 5000 },
    );
  });
});
