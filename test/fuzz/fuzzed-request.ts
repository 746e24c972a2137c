import type { ApiDocument, Operation, Parameter } from '../../src/http/openapi.ts';
import type { JsonSchema } from '../../src/http/openapi-schemas.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { authorized } from '../service-key.ts';
import { FuzzedFile, hostileTexts, SchemaValues } from './schema-values.ts';

/** A request whose path may name `{paused}` and `{completed}` videos. */
export interface FuzzedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];

const mediaTypes = [
  'text/plain',
  'application/json; charset=utf-16',
  'multipart/form-data',
  'application/xml',
  '',
];

/** A request to an address of the document: valid, nearly so, or spoilt. The random numbers decide everything. */
export function fuzzedRequest(document: ApiDocument, random: SeededRandom): FuzzedRequest {
  const [path, operations] = random.pick(Object.entries(document.paths));
  const [verb, operation] = random.pick(Object.entries(operations));
  const values = new SchemaValues(random, document.components.schemas);
  const parameters = operation.parameters ?? [];
  const method = random.chance(0.05) ? random.pick(methods) : verb.toUpperCase();
  const { headers, body } = ['GET', 'HEAD', 'TRACE'].includes(method)
    ? { headers: {}, body: null }
    : fuzzedBody(operation, values, random);
  return {
    method,
    target: fuzzedTarget(path, parameters, values, random),
    headers: { ...fuzzedHeaders(parameters, values, random), ...headers },
    body,
  };
}

function fuzzedTarget(
  path: string,
  parameters: readonly Parameter[],
  values: SchemaValues,
  random: SeededRandom,
): string {
  const named = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (random.chance(0.1)) return encodeURIComponent(random.pick(hostileTexts).toWellFormed()) || 'x';
    if (name === 'n') return String(random.pick([0, 0, 1, 99, 2 ** 40]));
    return random.pick(
      path.includes('/models/') ? ['nano', 'sprite'] : ['{paused}', '{completed}', '{completed}'],
    );
  });
  const query = parameters.filter((parameter) => parameter.in === 'query' && random.chance(0.3));
  const pairs = query.map(({ name, schema }) => {
    const value = random.chance(0.7) ? values.value(schema) : values.hostile();
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return `${name}=${encodeURIComponent(text.toWellFormed())}`;
  });
  if (random.chance(0.05))
    pairs.push(random.pick(['%', '%zz=1', '=', '&&', '__proto__=1', 'a[]=1', `a=${'b'.repeat(9000)}`]));
  if (random.chance(0.05)) pairs.push(...pairs);
  const suffix = random.chance(0.03) ? random.pick(['/', '//', '/..', '/%2e%2e', ';x', '.json']) : '';
  return `${named}${suffix}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

function fuzzedHeaders(
  parameters: readonly Parameter[],
  values: SchemaValues,
  random: SeededRandom,
): Record<string, string> {
  const headers: Record<string, string> = random.chance(0.95) ? { ...authorized } : {};
  for (const { in: place, name, schema } of parameters) {
    if (place !== 'header' || random.chance(0.7)) continue;
    headers[name] = headerText(random.chance(0.7) ? values.value(schema) : values.hostile());
  }
  if (random.chance(0.05)) headers['x-request-id'] = headerText(values.hostile());
  if (random.chance(0.05)) headers.origin = headerText(values.hostile());
  if (random.chance(0.02)) headers['x-long'] = 'a'.repeat(random.below(40_000));
  if (random.chance(0.02)) headers['content-encoding'] = random.pick(['gzip', 'identity', 'br', 'x']);
  return headers;
}

/** What may stand in a header. */
function headerText(value: unknown): string {
  return String(typeof value === 'object' ? JSON.stringify(value) : value).replaceAll(/[^\x20-\x7e]/g, '?');
}

function fuzzedBody(operation: Operation, values: SchemaValues, random: SeededRandom) {
  const content = (operation.requestBody as { content?: Record<string, { schema: JsonSchema }> } | undefined)
    ?.content;
  if (content === undefined) {
    const junk = random.chance(0.1) ? values.bytes(50) : null;
    return { headers: {}, body: junk };
  }
  const [mediaType, { schema }] = random.pick(Object.entries(content));
  let value = values.value(schema);
  if (random.chance(0.6)) value = values.mutated(value);
  const sent = mediaType === 'application/json' ? jsonBody(value) : formBody(value, random);
  const type = random.chance(0.03) ? random.pick(mediaTypes) : sent.type;
  const bytes = random.chance(0.1) ? spoilt(sent.bytes, random) : sent.bytes;
  return { headers: { 'content-type': type }, body: bytes };
}

function jsonBody(value: unknown): { type: string; bytes: Uint8Array } {
  const text = JSON.stringify(value, (_, item) => (item instanceof FuzzedFile ? 'a file' : item));
  return { type: 'application/json', bytes: Buffer.from(text ?? 'undefined') };
}

function formBody(value: unknown, random: SeededRandom): { type: string; bytes: Uint8Array } {
  const boundary = random.pick(['x', '----a', 'a'.repeat(70)]);
  const fields = value !== null && typeof value === 'object' ? Object.entries(value) : [['value', value]];
  const parts = fields.map(([name, item]) => {
    const isFile = item instanceof FuzzedFile;
    const data = isFile
      ? item.bytes
      : Buffer.from(typeof item === 'string' ? item : (JSON.stringify(item) ?? ''));
    const file = isFile ? '; filename="a.png"\r\ncontent-type: image/png' : '';
    const quoted = String(name).replaceAll(/["\r\n]/g, '_');
    return Buffer.concat([
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${quoted}"${file}\r\n\r\n`),
      data,
      Buffer.from('\r\n'),
    ]);
  });
  const bytes = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
  return { type: `multipart/form-data; boundary=${boundary}`, bytes };
}

/** Cut off, a byte changed, or bytes put in between. */
export function spoilt(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length + 1);
  const noise = Uint8Array.from({ length: random.between(1, 4) }, () => random.below(256));
  const kept = random.pick([bytes.length, at, at + 1]);
  return Buffer.concat(
    [bytes.subarray(0, at), ...(kept === bytes.length ? [] : [noise]), bytes.subarray(kept)].slice(
      0,
      random.pick([1, 3, 3]),
    ),
  );
}
