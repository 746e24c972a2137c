import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { refusal, TestService } from './test-service.ts';

const service = new TestService();
const megabyte = 1024 * 1024;

function nested(depth: number): string {
  return `{"metadata":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
}

describe('routing', () => {
  it('answers 404 job_not_found to an unknown id on every route of a video', async () => {
    for (const path of ['', '/content', '/frames/0.png']) {
      expect(await refusal(service.request(`/v1/videos/video_99${path}`))).toEqual([
        404,
        'job_not_found',
        null,
      ]);
    }
    const removal = service.request('/v1/videos/video_99', { method: 'DELETE' });
    expect(await refusal(removal)).toEqual([404, 'job_not_found', null]);
  });

  it('answers 404 route_not_found to an unknown route', async () => {
    for (const path of [
      '/',
      '/v1',
      '/v2/videos',
      '/v1/videos/x/frames/one.png',
      '/v1/videos/x/frames/1.gif',
    ]) {
      expect(await refusal(service.request(path))).toEqual([404, 'route_not_found', null]);
    }
  });

  it('answers 404 model_not_found to an unknown model', async () => {
    expect(await refusal(service.request('/v1/models/none'))).toEqual([404, 'model_not_found', null]);
  });

  it('answers 405 to a wrong method and says which are right', async () => {
    const answer = service.request('/v1/videos', { method: 'PUT' });
    expect((await answer).headers.get('allow')).toBe('POST, GET, HEAD');
    for (const [method, path] of [
      ['DELETE', '/v1/videos'],
      ['POST', '/v1/videos/x'],
      ['POST', '/v1/videos/x/content'],
      ['PATCH', '/v1/videos/x/frames/0.png'],
      ['POST', '/v1/models'],
    ] as const) {
      expect(await refusal(service.request(path, { method }))).toEqual([405, 'method_not_allowed', null]);
    }
  });

  it('answers 414 to a URL of 9 KB', async () => {
    const answer = service.request(`/v1/videos?after=${'a'.repeat(9 * 1024)}`);
    expect(await refusal(answer)).toEqual([414, 'uri_too_long', null]);
  });

  it('answers 431 to 20 KB of headers', async () => {
    const headers = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`x-long-${i}`, 'a'.repeat(1024)]),
    );
    expect(await refusal(service.request('/v1/videos', { headers }))).toEqual([
      431,
      'headers_too_large',
      null,
    ]);
  });
});

describe('body', () => {
  it('of another media type is 415 media_type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
      expect(await refusal(service.postText('{}', { 'content-type': type }))).toEqual([
        415,
        'media_type',
        null,
      ]);
    }
  });

  it('with a content-encoding is 415 content_encoding', async () => {
    const answer = service.postText('{}', { 'content-encoding': 'gzip' });
    expect(await refusal(answer)).toEqual([415, 'content_encoding', null]);
  });

  it('that is empty is 400 body_empty', async () => {
    expect(await refusal(service.postText(''))).toEqual([400, 'body_empty', null]);
  });

  it('that is no JSON, or no UTF-8, is 400 json_invalid', async () => {
    for (const body of ['{', '{"frames":}', "{'frames': 1}", '{} {}']) {
      expect(await refusal(service.postText(body))).toEqual([400, 'json_invalid', null]);
    }
    const latin = Uint8Array.of(...[...'{"prompt":"'].map((c) => c.charCodeAt(0)), 0xe4, 0x22, 0x7d);
    expect(await refusal(service.postText(latin))).toEqual([400, 'json_invalid', null]);
  });

  it('nested deeper than the limit is 400 json_too_deep, at the limit only a wrong type', async () => {
    expect(await refusal(service.postText(nested(limits.jsonDepth + 1)))).toEqual([
      400,
      'json_too_deep',
      null,
    ]);
    expect(await refusal(service.postText(nested(limits.jsonDepth)))).toEqual([
      422,
      'type_mismatch',
      'metadata',
    ]);
    expect(await refusal(service.postText('['.repeat(2 * megabyte)))).toEqual([400, 'json_too_deep', null]);
  });

  it('does not take brackets inside texts for nesting', async () => {
    const body = JSON.stringify({ metadata: { note: `"${'['.repeat(100)}\\` } });
    expect((await service.postText(body)).status).toBe(200);
  });

  it('over the limit is 413 body_too_large by its declared length, before it is read', async () => {
    const unread = new ReadableStream({
      pull() {
        throw new Error('the body was read');
      },
    });
    const answer = service.request('/v1/videos', {
      method: 'POST',
      body: unread,
      duplex: 'half',
      headers: { 'content-type': 'application/json', 'content-length': String(limits.bodyBytes + 1) },
    } as RequestInit);
    expect(await refusal(answer)).toEqual([413, 'body_too_large', null]);
  });

  it('over the limit is 413 body_too_large when it is streamed without a length, and is not read to its end', async () => {
    let megabytesRead = 0;
    const endless = new ReadableStream({
      pull(controller) {
        megabytesRead += 1;
        controller.enqueue(new Uint8Array(megabyte));
      },
    });
    const answer = service.request('/v1/videos', {
      method: 'POST',
      body: endless,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit);
    expect(await refusal(answer)).toEqual([413, 'body_too_large', null]);
    expect(megabytesRead).toBeLessThan(8);
  });

  it('that arrives too slowly is 408 request_timeout', async () => {
    const patient = new TestService({ bodySeconds: 0.05 });
    const stuck = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{'));
      },
    });
    const answer = patient.request('/v1/videos', {
      method: 'POST',
      body: stuck,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit);
    expect(await refusal(answer)).toEqual([408, 'request_timeout', null]);
  });

  it('that is not the form it says is 400 form_invalid', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    expect(await refusal(service.postText('no form', headers))).toEqual([400, 'form_invalid', null]);
    const noBoundary = { 'content-type': 'multipart/form-data' };
    expect(await refusal(service.postText('no form', noBoundary))).toEqual([400, 'form_invalid', null]);
  });

  it('with a form field twice is 422 fields_conflict', async () => {
    const form = new FormData();
    form.append('seed', '1');
    form.append('seed', '2');
    const answer = service.request('/v1/videos', { method: 'POST', body: form });
    expect(await refusal(answer)).toEqual([422, 'fields_conflict', 'seed']);
  });

  it('with a key of a form field twice is 422 fields_conflict', async () => {
    const form = new FormData();
    form.append('metadata[a]', '1');
    form.append('metadata[a]', '2');
    const answer = service.request('/v1/videos', { method: 'POST', body: form });
    expect(await refusal(answer)).toEqual([422, 'fields_conflict', 'metadata[a]']);
  });

  it('with a form field both whole and by key is 422 fields_conflict, in either order', async () => {
    const parts: [string, string | Blob][] = [
      ['input_reference', new Blob(['a file'])],
      ['input_reference[image_url]', 'data:,'],
    ];
    for (const order of [parts, parts.toReversed()]) {
      const form = new FormData();
      for (const [name, value] of order) form.append(name, value);
      const answer = service.request('/v1/videos', { method: 'POST', body: form });
      expect(await refusal(answer)).toEqual([422, 'fields_conflict', 'input_reference']);
    }
  });

  it('with thousands of keys of one form field is read at once', async () => {
    const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`metadata[key-${i}]`, '']));
    const began = performance.now();
    expect(await refusal(service.postForm(fields))).toEqual([422, 'out_of_range', 'metadata']);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('schema', () => {
  const rows: [name: string, body: unknown, code: string, param: string | null][] = [
    ['an unknown field', { framez: 3 }, 'unknown_field', 'framez'],
    [
      'an unknown field inside',
      { labels: [{ from: 0, label: 'walk', to: 3 }] },
      'unknown_field',
      'labels[0].to',
    ],
    ['a field of a prototype', JSON.parse('{"__proto__": {}}'), 'unknown_field', '__proto__'],
    ['a missing field', { labels: [{ from: 0 }] }, 'field_required', 'labels[0].label'],
    ['a body that is no object', [], 'type_mismatch', null],
    ['a body that is null', null, 'type_mismatch', null],
    ['a text for a number', { frames: '12' }, 'type_mismatch', 'frames'],
    ['a number for a text', { model: 3 }, 'type_mismatch', 'model'],
    ['null for a number', { seed: null }, 'type_mismatch', 'seed'],
    ['an object for a list', { labels: {} }, 'type_mismatch', 'labels'],
    ['a number for a choice', { palette: 1 }, 'type_mismatch', 'palette'],
    ['a number for an image', { input_reference: 1 }, 'type_mismatch', 'input_reference'],
    ['a number in metadata', { metadata: { a: 1 } }, 'type_mismatch', 'metadata.a'],
    ['no frames', { frames: 0 }, 'out_of_range', 'frames'],
    ['too many frames', { frames: limits.framesPerJob + 1 }, 'out_of_range', 'frames'],
    ['half a frame', { frames: 1.5 }, 'out_of_range', 'frames'],
    ['no seconds', { seconds: 0 }, 'out_of_range', 'seconds'],
    ['too many seconds', { seconds: 2000 }, 'out_of_range', 'seconds'],
    ['words for seconds', { seconds: 'four' }, 'type_mismatch', 'seconds'],
    ['an interval of 0', { interval: 0 }, 'out_of_range', 'interval'],
    ['an interval over the model', { interval: 5 }, 'out_of_range', 'interval'],
    ['more decode steps than tokens', { decode_steps: 5 }, 'out_of_range', 'decode_steps'],
    ['more head steps than the model', { head_steps: 51 }, 'out_of_range', 'head_steps'],
    ['a temperature under 0', { temperature: -0.1 }, 'out_of_range', 'temperature'],
    [
      'a temperature over the limit',
      { temperature: limits.temperature + 0.01 },
      'out_of_range',
      'temperature',
    ],
    ['words for a temperature', { temperature: 'warm' }, 'type_mismatch', 'temperature'],
    ['a negative seed', { seed: -1 }, 'out_of_range', 'seed'],
    ['a broken seed', { seed: 0.5 }, 'out_of_range', 'seed'],
    ['an unknown palette', { palette: 'rainbow' }, 'out_of_range', 'palette'],
    ['a label before the video', { labels: [{ from: -1, label: 'walk' }] }, 'out_of_range', 'labels[0].from'],
    [
      'too much metadata',
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ''])) },
      'out_of_range',
      'metadata',
    ],
    ['a long metadata value', { metadata: { a: 'a'.repeat(513) } }, 'out_of_range', 'metadata.a'],
    [
      'a long schedule',
      { labels: Array.from({ length: 257 }, (_, from) => ({ from, label: 'walk' })) },
      'out_of_range',
      'labels',
    ],
    ['a seed of 2^53', { seed: 2 ** 53 }, 'seed_unsafe', 'seed'],
    ['an unknown model', { model: 'gpt' }, 'model_unknown', 'model'],
    ['an unknown label', { prompt: 'fly' }, 'label_unknown', 'prompt'],
    [
      'an unknown label in a schedule',
      { labels: [{ from: 0, label: 'fly' }] },
      'label_unknown',
      'labels[0].label',
    ],
    [
      'an unsorted schedule',
      {
        labels: [
          { from: 4, label: 'walk' },
          { from: 2, label: 'run' },
        ],
      },
      'labels_order',
      'labels[1].from',
    ],
    [
      'a frame twice in a schedule',
      {
        labels: [
          { from: 4, label: 'walk' },
          { from: 4, label: 'run' },
        ],
      },
      'labels_order',
      'labels[1].from',
    ],
    ['another size', { size: '64x64' }, 'size_unsupported', 'size'],
    ['prompt and labels', { prompt: 'walk', labels: [] }, 'fields_conflict', 'labels'],
    ['frames and seconds', { frames: 8, seconds: 1 }, 'fields_conflict', 'seconds'],
    ['an http image', { input_reference: 'http://example.org/a.png' }, 'url_scheme', 'input_reference'],
    [
      'a file: image',
      { input_reference: { image_url: 'file:///etc/passwd' } },
      'url_scheme',
      'input_reference.image_url',
    ],
  ];

  it.each(rows)('refuses %s', async (_, body, code, param) => {
    expect(await refusal(service.postJson(body))).toEqual([422, code, param]);
  });

  it('lists the labels it knows, and names the limits it keeps', async () => {
    const label = await (await service.postJson({ prompt: 'fly' })).text();
    expect(label).toContain('walk, run, jump');
    const frames = await (await service.postJson({ frames: 50_000 })).text();
    expect(frames).toContain(`1 to ${limits.framesPerJob}`);
    const temperature = await (await service.postJson({ temperature: 3 })).text();
    expect(temperature).toContain(`temperature must be a number from 0 to ${limits.temperature}.`);
    const model = await (await service.postJson({ model: 'gpt' })).text();
    expect(model).toContain('sample');
    const size = await (await service.postJson({ size: '1x1' })).text();
    expect(size).toContain('8x6');
  });

  it('refuses bad queries: page size, order, unknown names, scale, format, variant', async () => {
    expect(await refusal(service.request('/v1/videos?limit=0'))).toEqual([422, 'out_of_range', 'limit']);
    expect(await refusal(service.request('/v1/videos?limit=101'))).toEqual([422, 'out_of_range', 'limit']);
    expect(await refusal(service.request('/v1/videos?order=up'))).toEqual([422, 'out_of_range', 'order']);
    expect(await refusal(service.request('/v1/videos?page=2'))).toEqual([422, 'unknown_field', 'page']);
    expect(await refusal(service.request('/v1/videos?after=video_99'))).toEqual([
      404,
      'job_not_found',
      'after',
    ]);
    for (const [query, param] of [
      ['scale=9', 'scale'],
      ['format=mp4', 'format'],
      ['variant=poster', 'variant'],
    ]) {
      const { id } = await service.created();
      expect(await refusal(service.request(`/v1/videos/${id}/content?${query}`))).toEqual([
        422,
        'out_of_range',
        param,
      ]);
    }
  });

  it('creates nothing for a refused request', async () => {
    const fresh = new TestService();
    for (const [, body] of rows) await fresh.postJson(body);
    expect(fresh.jobs.entries).toEqual([]);
  });
});

it('answers a bug with a plain 500 that tells nothing, and logs it', async () => {
  const broken = new TestService({
    randomSeed: () => {
      throw new Error('secret detail');
    },
  });
  const answer = await broken.postJson({});
  expect(answer.status).toBe(500);
  expect(await answer.clone().text()).not.toContain('secret');
  expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('internal_error');
  expect(broken.log).toMatchObject([{ level: 'error', status: 500, error: 'Error: secret detail' }]);
});
