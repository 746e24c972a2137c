import type { z } from 'zod';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { type FieldKind, fieldKinds } from './form-fields.ts';

/**
 * Reads a body of JSON or multipart/form-data into plain values; files become byte arrays, and texts of a form what
 * the schema wants of their field, where they can.
 * @throws Failure media_type, content_encoding, body_too_large, body_incomplete, request_timeout, body_empty, json_invalid,
 *   json_too_deep, form_invalid, fields_conflict
 */
export async function readBody(request: Request, schema: z.ZodType, bodySeconds: number): Promise<unknown> {
  const contentType = request.headers.get('content-type') ?? '';
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json' && mediaType !== 'multipart/form-data') {
    throw new Failure(
      'media_type',
      'The body must be application/json or multipart/form-data; set content-type.',
    );
  }
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding.trim().toLowerCase() !== 'identity') {
    throw new Failure(
      'content_encoding',
      `content-encoding "${encoding}" is not read; send the body uncompressed.`,
    );
  }
  const bytes = await readBytes(request, bodySeconds);
  if (bytes.length === 0)
    throw new Failure('body_empty', 'The body is empty; send {} for a video with all defaults.');
  return mediaType === 'application/json' ? parseJson(bytes) : parseForm(bytes, contentType, schema);
}

/** As readBody, but no body at all is an object without fields. */
export async function readOptionalBody(
  request: Request,
  schema: z.ZodType,
  bodySeconds: number,
): Promise<unknown> {
  const isEmpty = request.body === null || request.headers.get('content-length') === '0';
  return isEmpty ? {} : readBody(request, schema, bodySeconds);
}

async function readBytes(request: Request, bodySeconds: number): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get('content-length') ?? 0) > limits.bodyBytes) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const { promise: deadline, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), bodySeconds * 1000);
  try {
    const pieces: Uint8Array[] = [];
    let length = 0;
    while (true) {
      const piece = await Promise.race([reader.read().catch(brokenOff), deadline]);
      if (piece === 'late') {
        void reader.cancel().catch(() => undefined);
        throw tooSlow(bodySeconds);
      }
      if (piece.done) return concatenated(pieces, length);
      length += piece.value.length;
      if (length > limits.bodyBytes) {
        // For readToTheEnd.
        reader.releaseLock();
        throw tooLarge();
      }
      pieces.push(piece.value);
    }
  } finally {
    clearTimeout(timer);
  }
}

function brokenOff(): never {
  throw new Failure('body_incomplete', 'The body broke off before its end; send it again.');
}

function tooLarge(): Failure {
  return new Failure(
    'body_too_large',
    `The body is larger than ${limits.bodyBytes} bytes; send a smaller image.`,
  );
}

function tooSlow(bodySeconds: number): Failure {
  return new Failure(
    'request_timeout',
    `The body did not arrive within ${bodySeconds} seconds; send it again.`,
  );
}

function concatenated(pieces: Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function parseJson(bytes: Uint8Array, param: string | null = null): unknown {
  const what = param ?? 'The body';
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new Failure('json_invalid', `${what} is not UTF-8; encode it as UTF-8.`, param);
  }
  if (jsonDepth(text) > limits.jsonDepth) {
    throw new Failure(
      'json_too_deep',
      `${what} is nested deeper than ${limits.jsonDepth} levels; flatten it.`,
      param,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('json_invalid', `${what} is not JSON: ${(error as Error).message}.`, param);
  }
}

/** Deepest nesting of arrays and objects, outside of texts; counted before parsing. */
function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (isText) {
      if (character === '\\') i += 1;
      else if (character === '"') isText = false;
    } else if (character === '"') isText = true;
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth -= 1;
  }
  return deepest;
}

async function parseForm(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  schema: z.ZodType,
): Promise<Record<string, unknown>> {
  const kinds = fieldKinds(schema);
  let form: FormData;
  try {
    form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new Failure('form_invalid', 'The body is not the multipart/form-data that content-type announces.');
  }
  const whole: Record<string, unknown> = Object.create(null);
  const keyed: Record<string, Record<string, unknown>> = Object.create(null);
  for (const [name, value] of form) {
    const { field, key } = formName(name);
    if (key !== null) keyed[field] ??= Object.create(null) as Record<string, unknown>;
    const target = key === null ? whole : (keyed[field] as Record<string, unknown>);
    if ((key ?? field) in target) {
      throw new Failure('fields_conflict', `${name} is sent twice; send it once.`, name);
    }
    if (field in (key === null ? keyed : whole)) {
      throw new Failure('fields_conflict', `${field} is sent whole and by key; send it one way.`, field);
    }
    target[key ?? field] =
      typeof value === 'string'
        ? formValue(field, kinds[key === null ? field : ''], value)
        : await fileBytes(value);
  }
  return { ...whole, ...keyed };
}

/** `metadata[key]`, as clients write objects into forms. */
function formName(name: string): { field: string; key: string | null } {
  const match = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name);
  return match === null ? { field: name, key: null } : { field: match[1] as string, key: match[2] as string };
}

function formValue(field: string, kind: FieldKind | undefined, value: string): unknown {
  if (kind === 'number' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (kind === 'json') return parseJson(new TextEncoder().encode(value), field);
  return value;
}

async function fileBytes(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}
