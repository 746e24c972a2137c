import type { RawPiece } from '../http/raw-connection.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { authorized } from '../service-key.ts';
import { spoilt } from './fuzzed-request.ts';

const order = '{"model":"nano","frames":1,"decode_steps":1,"head_steps":1}';

const startLines = [
  ...['GET /v1/models', 'GET /v1/videos?limit=2', 'GET /v1/videos/{completed}', 'HEAD /v1/models/nano'],
  ...[
    'GET /v1/videos/{completed}/frames/0.png',
    'GET /v1/videos/{paused}/content',
    'OPTIONS /v1/videos',
    'OPTIONS *',
  ],
  ...[
    'DELETE /v1/videos/x',
    'GET http://[::1]/v1/models',
    'GET //',
    'GET /\xff\xfe',
    'GET /%',
    'BREW /v1/models',
  ],
  ...[
    `GET /v1/models?${'a'.repeat(9000)}`,
    `GET /${'%2e%2e/'.repeat(50)}`,
    'G\0T /',
    'PRI *',
    ' GET /',
    'get /v1/models',
  ],
];

const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/9',
  'http/1.1',
  '',
];

const hosts = [
  ...[
    'Host: service.invalid',
    'Host: service.invalid',
    'Host: service.invalid',
    'Host: a:99999',
    'Host: [',
    'Host: a b',
  ],
  ...['Host:', 'Host: a\r\nHost: b', 'Host: \xff', `Host: ${'a'.repeat(300)}`, 'X: no host'],
];

const headerLines = [
  ...[
    'Content-Length: -1',
    'Content-Length: 99999999999999999999',
    'Content-Length: 1e3',
    'Content-Length: 0x10',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: chunked, chunked',
    'TE: trailers',
  ],
  ...[
    'Content-Length: 2\r\nContent-Length: 3',
    'Expect: 100-continue',
    'Expect: a cup of tea',
    'Upgrade: websocket',
  ],
  ...[
    'Connection: Upgrade, close',
    'Connection: keep-alive, x',
    'nonsense',
    ': empty',
    'a b: c',
    'x: \0',
    'x: \xc3\x28',
  ],
  ...[
    ' folded',
    'Last-Event-ID: 18446744073709551616',
    'Accept-Encoding: gzip, br, *;q=0',
    'Range: bytes=0-0,5-',
  ],
  ...[
    'Content-Encoding: gzip',
    'X-Forwarded-Host: \xff',
    'Authorization: Bearer \x7f',
    'Cookie: a=b; a=c',
    'Date: never',
  ],
];

const chunks = [
  ...[
    '0\r\n\r\n',
    '1\r\n{\r\n0\r\n\r\n',
    'ffffffffffffffff\r\n',
    '-1\r\n',
    'zz\r\n',
    '2;a=b\r\n{}\r\n0\r\nx: y\r\n\r\n',
  ],
  ...[
    `${'0'.repeat(500)}2\r\n{}\r\n0\r\n\r\n`,
    '2\r\n{}0\r\n\r\n',
    '\r\n',
    `3b\r\n${order}\r\n0\r\n\r\n`,
    '5\r\n{}',
  ],
];

/** Bytes of one connection: requests that are valid, nearly so, or none, in one piece or many, ended in the middle or not. */
export function fuzzedBytes(random: SeededRandom): RawPiece[] {
  const requests = Array.from({ length: random.chance(0.15) ? random.between(2, 6) : 1 }, () =>
    fuzzedText(random),
  );
  let bytes: Uint8Array = Buffer.from(requests.join(''), 'latin1');
  if (random.chance(0.3)) bytes = spoilt(bytes, random);
  const pieces: RawPiece[] = [];
  if (random.chance(0.15)) pieces.push(...dripped(bytes, random));
  else pieces.push(bytes);
  if (random.chance(0.2)) pieces.push('end');
  return pieces;
}

/** A few bytes at a time: as slow as somebody who wants to hold a connection, but not as patient. */
function dripped(bytes: Uint8Array, random: SeededRandom): RawPiece[] {
  const pieces: RawPiece[] = [];
  let at = 0;
  for (let left = random.between(2, 6); left > 0; left--) {
    const end = left === 1 ? bytes.length : Math.min(bytes.length, at + random.between(1, 60));
    pieces.push(bytes.subarray(at, end), random.between(1, 20));
    at = end;
  }
  return pieces;
}

function fuzzedText(random: SeededRandom): string {
  const lines = [random.pick(hosts)];
  if (random.chance(0.8)) lines.push(`Authorization: ${authorized.authorization}`);
  if (random.chance(0.4)) lines.push(random.pick(headerLines));
  if (random.chance(0.05))
    lines.push(...Array.from({ length: random.between(50, 1500) }, (_, i) => `x-${i}: ${i}`));
  if (random.chance(0.8)) lines.push('Connection: close');
  const hasBody = random.chance(0.4);
  const target = hasBody
    ? random.pick([
        'POST /v1/videos',
        'POST /v1/videos/{completed}/fork',
        'PUT /v1/videos',
        'POST /v1/videos/extensions',
      ])
    : random.pick(startLines);
  const body = hasBody ? fuzzedBody(lines, random) : '';
  return `${target} ${random.pick(versions)}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

function fuzzedBody(lines: string[], random: SeededRandom): string {
  switch (random.below(4)) {
    case 0:
      lines.push(
        'Content-Type: application/json',
        `Content-Length: ${order.length + random.pick([0, 0, 1, -5, 2 ** 40])}`,
      );
      return order;
    case 1:
      lines.push('Content-Type: application/json', 'Transfer-Encoding: chunked');
      return Array.from({ length: random.between(1, 3) }, () => random.pick(chunks)).join('');
    case 2: {
      const boundary = random.pick(['x', '"x"', '', 'a b', '\xff', 'a'.repeat(3000), '--']);
      const body = [
        `--${random.pick([boundary, 'x', '--'])}\r\n`,
        random.pick([
          'Content-Disposition: form-data; name="seed"\r\n',
          'Content-Disposition: form-data\r\n',
          'x\r\n',
          '',
        ]),
        random.pick(['\r\n1\r\n', '\r\n', '\0\xff']),
        random.pick([`--${boundary}--\r\n`, `--${boundary}`, '']),
      ].join('');
      lines.push(`Content-Type: multipart/form-data; boundary=${boundary}`, `Content-Length: ${body.length}`);
      return body;
    }
    default: {
      const body = random.pick([
        '\xff\xfe',
        '{"prompt":"\xe4"}',
        '\0',
        `[${'['.repeat(2000)}`,
        '9'.repeat(2000),
        'null',
      ]);
      lines.push('Content-Type: application/json', `Content-Length: ${body.length}`);
      return body;
    }
  }
}
