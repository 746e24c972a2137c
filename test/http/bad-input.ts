import { limits } from '../../src/contract/config.ts';
import type { FailureCode } from '../../src/contract/failure.ts';
import { authorized, serviceKey } from '../service-key.ts';

/** Videos that a path may name, as `{paused}`: one of 100 frames that rests before its first, one of 1 that is done. */
export type ExistingVideo = 'paused' | 'completed';

/** A request, but for the ids of videos. */
interface BadRequest {
  /** POST where there is a body, else GET. */
  readonly method?: string;
  /** /v1/videos where it is left out. */
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** The configured key where it is left out; null = no header. */
  readonly authorization?: string | null;
  /** An object is sent as JSON; texts and bytes are called JSON where `headers` do not say otherwise. */
  readonly body?: object | string | Uint8Array<ArrayBuffer> | null;
  readonly form?: readonly (readonly [name: string, value: string])[];
}

/** What is wrong, the request, and how it is refused: status, code and the field, if it is one's fault. */
export type BadInput = readonly [
  name: string,
  request: BadRequest,
  status: number,
  code: FailureCode,
  param?: string,
];

const nested = (depth: number) => `{"metadata":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const as = (contentType: string) => ({ 'content-type': contentType });
const multipart = as('multipart/form-data; boundary=x');
const part = (name: string, end: string) =>
  `--x\r\ncontent-disposition: form-data; ${name}\r\n\r\n1\r\n${end}`;
const schedule = (...from: number[]) => from.map((frame) => ({ from: frame, label: 'walk' }));
const unknownId = `video_${'0'.repeat(64)}`;

// biome-ignore format: a row is a line
const routing: BadInput[] = [
  ['the root', { path: '/' }, 404, 'route_not_found'],
  ['half a route', { path: '/v1' }, 404, 'route_not_found'],
  ['another version', { path: '/v2/videos' }, 404, 'route_not_found'],
  ['a slash at the end', { path: '/v1/models/' }, 404, 'route_not_found'],
  ['a slash too many', { path: '//v1/models' }, 404, 'route_not_found'],
  ['another case', { path: '/V1/Models' }, 404, 'route_not_found'],
  ['a frame by word', { path: '/v1/videos/x/frames/one.png' }, 404, 'route_not_found'],
  ['a frame of another format', { path: '/v1/videos/x/frames/1.gif' }, 404, 'route_not_found'],
  ['a negative frame', { path: '/v1/videos/x/frames/-1.png' }, 404, 'route_not_found'],
  ['an unknown model', { path: '/v1/models/none' }, 404, 'model_not_found'],
  ['a model with a zero byte', { path: '/v1/models/nano%00' }, 404, 'model_not_found'],
  ['a model in broken percent-encoding', { path: '/v1/models/%zz' }, 404, 'model_not_found'],
  ['a model that is no UTF-8', { path: '/v1/models/%ff' }, 404, 'model_not_found'],
  ['a model in a folder above', { path: '/v1/models/..%2fsecret' }, 404, 'model_not_found'],
  ['a video of no form', { path: '/v1/videos/x' }, 404, 'job_not_found'],
  ['a video that was never made', { path: `/v1/videos/${unknownId}` }, 404, 'job_not_found'],
  ['content of no video', { path: '/v1/videos/x/content' }, 404, 'job_not_found'],
  ['an encoded slash in an id', { path: '/v1/videos/x%2fcontent' }, 404, 'job_not_found'],
  ['a frame of no video', { path: '/v1/videos/x/frames/0.png' }, 404, 'job_not_found'],
  ['events of no video', { path: '/v1/videos/x/events' }, 404, 'job_not_found'],
  ['removing no video', { path: '/v1/videos/x', method: 'DELETE' }, 404, 'job_not_found'],
  ['pausing no video', { path: '/v1/videos/x/pause', method: 'POST' }, 404, 'job_not_found'],
  ['resuming no video', { path: '/v1/videos/x/resume', method: 'POST' }, 404, 'job_not_found'],
  ['cancelling no video', { path: '/v1/videos/x/cancel', method: 'POST' }, 404, 'job_not_found'],
  ['extending no video', { path: '/v1/videos/x/extend', body: {} }, 404, 'job_not_found'],
  ['extending no named video', { path: '/v1/videos/extensions', body: { video: 'x' } }, 404, 'job_not_found'],
  ['forking no video', { path: '/v1/videos/x/fork', body: {} }, 404, 'job_not_found'],
  ['a list after no video', { path: '/v1/videos?after=x' }, 404, 'job_not_found', 'after'],
  ['PUT', { method: 'PUT' }, 405, 'method_not_allowed'],
  ['DELETE of the list', { method: 'DELETE' }, 405, 'method_not_allowed'],
  ['OPTIONS without CORS', { method: 'OPTIONS' }, 405, 'method_not_allowed'],
  ['POST to a video', { path: '/v1/videos/x', method: 'POST' }, 405, 'method_not_allowed'],
  ['POST to content', { path: '/v1/videos/x/content', method: 'POST' }, 405, 'method_not_allowed'],
  ['POST to events', { path: '/v1/videos/x/events', method: 'POST' }, 405, 'method_not_allowed'],
  ['PATCH of a frame', { path: '/v1/videos/x/frames/0.png', method: 'PATCH' }, 405, 'method_not_allowed'],
  ['GET of a command', { path: '/v1/videos/x/pause' }, 405, 'method_not_allowed'],
  ['POST to models', { path: '/v1/models', method: 'POST' }, 405, 'method_not_allowed'],
  ['a URL of 9 KB', { path: `/v1/videos?after=${'a'.repeat(9 * 1024)}` }, 414, 'uri_too_long'],
  ['headers of 20 KB', { headers: { 'x-long': 'a'.repeat(20 * 1024) } }, 431, 'headers_too_large'],
];

// biome-ignore format: a row is a line
const bodies: BadInput[] = [
  ['plain text', { body: '{}', headers: as('text/plain') }, 415, 'media_type'],
  ['an HTML form', { body: 'a=1', headers: as('application/x-www-form-urlencoded') }, 415, 'media_type'],
  ['nearly JSON', { body: '{}', headers: as('application/jsonx') }, 415, 'media_type'],
  ['no media type', { body: '{}', headers: as('') }, 415, 'media_type'],
  ['no body and no media type', { method: 'POST' }, 415, 'media_type'],
  ['gzip', { body: '{}', headers: { 'content-encoding': 'gzip' } }, 415, 'content_encoding'],
  ['nothing', { body: '' }, 400, 'body_empty'],
  ['an empty form', { body: '', headers: multipart }, 400, 'body_empty'],
  ['a brace', { body: '{' }, 400, 'json_invalid'],
  ['a field without a value', { body: '{"frames":}' }, 400, 'json_invalid'],
  ['single quotes', { body: "{'frames': 1}" }, 400, 'json_invalid'],
  ['a comma at the end', { body: '{"frames": 1,}' }, 400, 'json_invalid'],
  ['a comment', { body: '{} // all defaults' }, 400, 'json_invalid'],
  ['two objects', { body: '{} {}' }, 400, 'json_invalid'],
  ['no number of JSON', { body: '{"seed": NaN}' }, 400, 'json_invalid'],
  ['a zero byte', { body: '{"prompt": "a\0"}' }, 400, 'json_invalid'],
  ['Latin-1', { body: latin1('{"prompt":"ä"}') }, 400, 'json_invalid'],
  ['UTF-16', { body: latin1('{\0}\0') }, 400, 'json_invalid'],
  ['half a character', { body: Uint8Array.of(0x22, 0xe2, 0x82, 0x22) }, 400, 'json_invalid'],
  ['too deep JSON', { body: nested(limits.jsonDepth + 1) }, 400, 'json_too_deep'],
  ['millions of brackets', { body: '['.repeat(2 ** 21) }, 400, 'json_too_deep'],
  ['JSON of the deepest kind', { body: nested(limits.jsonDepth) }, 422, 'type_mismatch', 'metadata'],
  ['broken JSON in a form', { form: [['labels', '[']] }, 400, 'json_invalid', 'labels'],
  ['too deep JSON in a form', { form: [['labels', '['.repeat(99)]] }, 400, 'json_too_deep', 'labels'],
  ['more than the limit', { body: new Uint8Array(limits.bodyBytes + 1) }, 413, 'body_too_large'],
  ['no form', { body: 'no form', headers: multipart }, 400, 'form_invalid'],
  ['a form without boundary', { body: 'x', headers: as('multipart/form-data') }, 400, 'form_invalid'],
  ['a form without end', { body: part('name="seed"', ''), headers: multipart }, 400, 'form_invalid'],
  ['a form of another boundary', { body: part('name="seed"', '--y--'), headers: multipart }, 400, 'form_invalid'],
  ['a nameless part', { body: part('filename="a"', '--x--\r\n'), headers: multipart }, 400, 'form_invalid'],
  [
    'a field twice',
    {
      form: [
        ['seed', '1'],
        ['seed', '2'],
      ],
    },
    422,
    'fields_conflict',
    'seed',
  ],
  [
    'a key twice',
    {
      form: [
        ['metadata[a]', '1'],
        ['metadata[a]', '2'],
      ],
    },
    422,
    'fields_conflict',
    'metadata[a]',
  ],
  [
    'whole, then by key',
    {
      form: [
        ['metadata', '{}'],
        ['metadata[a]', ''],
      ],
    },
    422,
    'fields_conflict',
    'metadata',
  ],
  [
    'by key, then whole',
    {
      form: [
        ['metadata[a]', ''],
        ['metadata', '{}'],
      ],
    },
    422,
    'fields_conflict',
    'metadata',
  ],
];

/** A body of POST /v1/videos that has the right form. */
const posted = (name: string, body: unknown, code: FailureCode, param?: string): BadInput => {
  const refusal = [422, code] as const;
  const request = { body: body as object };
  return param === undefined ? [name, request, ...refusal] : [name, request, ...refusal, param];
};

// biome-ignore format: a row is a line
const schema: BadInput[] = [
  posted('an unknown field', { framez: 3 }, 'unknown_field', 'framez'),
  posted('an unknown field inside', { labels: [{ from: 0, label: 'walk', to: 3 }] }, 'unknown_field', 'labels[0].to'),
  posted('a field of a prototype', JSON.parse('{"__proto__": {}}'), 'unknown_field', '__proto__'),
  posted('a missing field', { labels: [{ from: 0 }] }, 'field_required', 'labels[0].label'),
  posted('a list', [], 'type_mismatch'),
  posted('null', null, 'type_mismatch'),
  posted('a text for a number', { frames: '12' }, 'type_mismatch', 'frames'),
  posted('a number for a text', { model: 3 }, 'type_mismatch', 'model'),
  posted('null for a number', { seed: null }, 'type_mismatch', 'seed'),
  posted('a truth for a number', { interval: true }, 'type_mismatch', 'interval'),
  posted('an object for a list', { labels: {} }, 'type_mismatch', 'labels'),
  posted('a text in a list', { labels: ['walk'] }, 'type_mismatch', 'labels[0]'),
  posted('a number for a choice', { palette: 1 }, 'type_mismatch', 'palette'),
  posted('a number for an image', { input_reference: 1 }, 'type_mismatch', 'input_reference'),
  posted('a number in metadata', { metadata: { a: 1 } }, 'type_mismatch', 'metadata.a'),
  posted('words for seconds', { seconds: 'four' }, 'type_mismatch', 'seconds'),
  posted('words for a temperature', { temperature: 'warm' }, 'type_mismatch', 'temperature'),
  posted('no frames', { frames: 0 }, 'out_of_range', 'frames'),
  posted('fewer than no frames', { frames: -1 }, 'out_of_range', 'frames'),
  posted('too many frames', { frames: limits.framesPerJob + 1 }, 'out_of_range', 'frames'),
  posted('half a frame', { frames: 1.5 }, 'out_of_range', 'frames'),
  posted('no seconds', { seconds: 0 }, 'out_of_range', 'seconds'),
  posted('too many seconds', { seconds: 2000 }, 'out_of_range', 'seconds'),
  posted('a moment', { seconds: 1e-9 }, 'out_of_range', 'seconds'),
  posted('an interval of 0', { interval: 0 }, 'out_of_range', 'interval'),
  posted('an interval over the model', { interval: 26 }, 'out_of_range', 'interval'),
  posted('no decode steps', { decode_steps: 0 }, 'out_of_range', 'decode_steps'),
  posted('more decode steps than tokens', { decode_steps: 10_000 }, 'out_of_range', 'decode_steps'),
  posted('more head steps than the model', { head_steps: 10_000 }, 'out_of_range', 'head_steps'),
  posted('a temperature under 0', { temperature: -0.1 }, 'out_of_range', 'temperature'),
  posted('a heat', { temperature: limits.temperature + 0.01 }, 'out_of_range', 'temperature'),
  posted('a negative seed', { seed: -1 }, 'out_of_range', 'seed'),
  posted('a broken seed', { seed: 0.5 }, 'out_of_range', 'seed'),
  posted('a seed of 2^53', { seed: 2 ** 53 }, 'seed_unsafe', 'seed'),
  posted('a huge seed', { seed: 1e300 }, 'seed_unsafe', 'seed'),
  posted('a huge negative seed', { seed: -(2 ** 53) }, 'seed_unsafe', 'seed'),
  posted('an unknown palette', { palette: 'rainbow' }, 'out_of_range', 'palette'),
  posted('a label before the video', { labels: schedule(-1) }, 'out_of_range', 'labels[0].from'),
  posted('a label after any video', { labels: schedule(limits.framesPerJob) }, 'out_of_range', 'labels[0].from'),
  posted('a long schedule', { labels: schedule(...Array(257).keys()) }, 'out_of_range', 'labels'),
  posted('much metadata', { metadata: Object.fromEntries([...Array(17).keys()].map((i) => [i, ''])) }, 'out_of_range', 'metadata'),
  posted('a long key', { metadata: { ['a'.repeat(65)]: '' } }, 'out_of_range', 'metadata'),
  posted('a long value', { metadata: { a: 'a'.repeat(513) } }, 'out_of_range', 'metadata.a'),
  posted('an unknown model', { model: 'gpt' }, 'model_unknown', 'model'),
  posted('a model by its path', { model: '../nano' }, 'model_unknown', 'model'),
  posted('an unknown label', { prompt: 'fly' }, 'label_unknown', 'prompt'),
  posted('a label in another case', { prompt: 'Walk' }, 'label_unknown', 'prompt'),
  posted('an unknown label, later', { labels: [{ from: 0, label: 'fly' }] }, 'label_unknown', 'labels[0].label'),
  posted('an unsorted schedule', { labels: schedule(4, 2) }, 'labels_order', 'labels[1].from'),
  posted('a frame twice in a schedule', { labels: schedule(4, 4) }, 'labels_order', 'labels[1].from'),
  posted('another size', { size: '1x1' }, 'size_unsupported', 'size'),
  posted('prompt and labels', { prompt: 'walk', labels: [] }, 'fields_conflict', 'labels'),
  posted('frames and seconds', { frames: 8, seconds: 1 }, 'fields_conflict', 'seconds'),
  ['an extension of nothing', { path: '/v1/videos/extensions', body: {} }, 422, 'field_required', 'video'],
  ['an extension with a seed', { path: '/v1/videos/{completed}/extend', body: { seed: 1 } }, 422, 'unknown_field', 'seed'],
  ['a fork with a size', { path: '/v1/videos/{completed}/fork', body: { size: '' } }, 422, 'unknown_field', 'size'],
  ['a fork behind the end', { path: '/v1/videos/{completed}/fork', body: { frame: 1 } }, 422, 'out_of_range', 'frame'],
  ['a fork of no frame', { path: '/v1/videos/{paused}/fork', body: {} }, 422, 'out_of_range', 'frame'],
  ['a page of 0', { path: '/v1/videos?limit=0' }, 422, 'out_of_range', 'limit'],
  ['a page of 101', { path: '/v1/videos?limit=101' }, 422, 'out_of_range', 'limit'],
  ['a page of nothing', { path: '/v1/videos?limit=' }, 422, 'type_mismatch', 'limit'],
  ['a page of words', { path: '/v1/videos?limit=1e1' }, 422, 'type_mismatch', 'limit'],
  ['an unknown order', { path: '/v1/videos?order=up' }, 422, 'out_of_range', 'order'],
  ['an unknown parameter', { path: '/v1/videos?page=2' }, 422, 'unknown_field', 'page'],
  ['a parameter of a prototype', { path: '/v1/videos?__proto__=2' }, 422, 'unknown_field', '__proto__'],
  ['a parameter twice', { path: '/v1/videos?limit=1&limit=2' }, 422, 'fields_conflict', 'limit'],
  ['a scale of 9', { path: '/v1/videos/{completed}/content?scale=9' }, 422, 'out_of_range', 'scale'],
  ['an unknown format', { path: '/v1/videos/{completed}/content?format=bmp' }, 422, 'out_of_range', 'format'],
  ['an unknown variant', { path: '/v1/videos/{completed}/content?variant=x' }, 422, 'out_of_range', 'variant'],
];

const key = (text: string) => ({ authorization: `Bearer ${text}` });

// biome-ignore format: a row is a line
const authentication: BadInput[] = [
  ['no key', { authorization: null }, 401, 'auth_missing'],
  ['no key and no body', { authorization: null, method: 'POST' }, 401, 'auth_missing'],
  ['a token where no link leads', { authorization: null, path: '/v1/videos/{completed}?token=x' }, 401, 'auth_missing'],
  ['Basic', { authorization: `Basic ${btoa(serviceKey)}` }, 401, 'auth_scheme'],
  ['a bare key', { authorization: serviceKey }, 401, 'auth_scheme'],
  ['an empty header', { authorization: '' }, 401, 'auth_missing'],
  ['no key after Bearer', { authorization: 'Bearer' }, 401, 'key_invalid'],
  ['a key of no form', key('sk-1234'), 401, 'key_invalid'],
  ['a key that is too short', key(serviceKey.slice(0, -1)), 401, 'key_invalid'],
  ['a key that is too long', key(`${serviceKey}0`), 401, 'key_invalid'],
  ['a key in capitals', key(serviceKey.toUpperCase()), 401, 'key_invalid'],
  ['an unknown key', key(`magi_${'x'.repeat(43)}`), 401, 'key_invalid'],
  ['revoking a key that is not there', { path: '/v1/keys/key_none', method: 'DELETE' }, 404, 'key_not_found'],
  ['a key twice', key(`${serviceKey} ${serviceKey}`), 401, 'key_invalid'],
  ['two headers in one', key(`${serviceKey}, Bearer ${serviceKey}`), 401, 'key_invalid'],
  ['a key of 8 KB', key(`magi_${'x'.repeat(8000)}`), 401, 'key_invalid'],
  ['a key in the query', { path: '/v1/videos?api_key=x', authorization: null }, 401, 'key_in_query', 'api_key'],
  ['a key in the query beside one in the header', { path: '/v1/videos?key=x' }, 401, 'key_in_query', 'key'],
  ['a key in any parameter', { path: `/v1/videos?after=x&after=${serviceKey}` }, 401, 'key_in_query', 'after'],
  ['a token that is none', { authorization: null, path: '/v1/videos/{completed}/content?token=x' }, 403, 'link_invalid', 'token'],
  ['a token that was altered', { authorization: null, path: `/v1/videos/{completed}/events?token=4000000000.local.${'x'.repeat(43)}` }, 403, 'link_invalid', 'token'],
];

// biome-ignore format: a row is a line
const streams: BadInput[] = [
  ['events after a word', { path: '/v1/videos/{paused}/events', headers: { 'last-event-id': 'x' } }, 400, 'last_event_id', 'last_event_id'],
  ['events after the end', { path: '/v1/videos/{paused}/events?last_event_id=100' }, 400, 'last_event_id', 'last_event_id'],
  ['events before the start', { path: '/v1/videos/{paused}/events?last_event_id=-1' }, 400, 'last_event_id', 'last_event_id'],
  ['unknown images', { path: '/v1/videos/{paused}/events?images=jpeg' }, 422, 'out_of_range', 'images'],
  ['a frame beyond the end', { path: '/v1/videos/{completed}/frames/1.png' }, 404, 'frame_not_found'],
  ['a frame of 30 digits', { path: `/v1/videos/{completed}/frames/${'9'.repeat(30)}.png` }, 404, 'frame_not_found'],
  ['a frame not made yet', { path: '/v1/videos/{paused}/frames/99.png' }, 409, 'frame_not_ready'],
  ['content of no frames', { path: '/v1/videos/{paused}/content' }, 409, 'frame_not_ready'],
  ['pausing what is done', { path: '/v1/videos/{completed}/pause', method: 'POST' }, 409, 'job_terminal'],
  ['cancelling what is done', { path: '/v1/videos/{completed}/cancel', method: 'POST' }, 409, 'job_terminal'],
  ['extending what is not done', { path: '/v1/videos/{paused}/extend', method: 'POST' }, 409, 'job_not_finished'],
];

const keyed = (text: string) => ({ 'idempotency-key': text });

/** Under this key the paused video has been ordered. */
export const takenKey = 'taken';

// biome-ignore format: a row is a line
const money: BadInput[] = [
  ['an empty idempotency key', { body: {}, headers: keyed('') }, 400, 'idempotency_invalid', 'idempotency-key'],
  ['an idempotency key of 256 characters', { body: {}, headers: keyed('k'.repeat(256)) }, 400, 'idempotency_invalid', 'idempotency-key'],
  ['a long idempotency key of a fork', { path: '/v1/videos/{completed}/fork', body: {}, headers: keyed('k'.repeat(256)) }, 400, 'idempotency_invalid', 'idempotency-key'],
  ['a long idempotency key of an extension', { path: '/v1/videos/{completed}/extend', body: {}, headers: keyed('k'.repeat(256)) }, 400, 'idempotency_invalid', 'idempotency-key'],
  ['an idempotency key with another body', { body: { frames: 99 }, headers: keyed(takenKey) }, 422, 'idempotency_reused', 'idempotency-key'],
  ['an idempotency key with another call', { path: '/v1/videos/{completed}/fork', body: {}, headers: keyed(takenKey) }, 422, 'idempotency_reused', 'idempotency-key'],
  ['a bad body under an idempotency key that is taken', { body: { framez: 99 }, headers: keyed(takenKey) }, 422, 'unknown_field', 'framez'],
];

/** Every kind of bad input that a single request can be, and the exact answer to it. */
export const badInput: Record<string, readonly BadInput[]> = {
  routing,
  authentication,
  body: bodies,
  schema,
  streams,
  money,
};

/** The request of a row. */
export function requestOf(
  {
    method,
    path = '/v1/videos',
    headers: others = {},
    authorization = authorized.authorization,
    body,
    form,
  }: BadRequest,
  ids: Record<ExistingVideo, string>,
): [path: string, init: RequestInit] {
  const named = path.replace(/\{(paused|completed)\}/, (_, name: ExistingVideo) => ids[name]);
  const headers = authorization === null ? others : { authorization, ...others };
  if (form !== undefined) return [named, { method: 'POST', body: formOf(form), headers }];
  if (body === undefined) return [named, { method: method ?? 'GET', headers }];
  const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return [
    named,
    { method: method ?? 'POST', body: sent, headers: { ...as('application/json'), ...headers } },
  ];
}

function formOf(fields: readonly (readonly [string, string])[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}
