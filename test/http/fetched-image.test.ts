import { afterAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { encodePng } from '../../src/media/png.ts';
import { hostileUrls } from '../contract/hostile-urls.ts';
import { disc } from '../media/sample-image.ts';
import { LoopbackReceiver, receiverHost } from '../outbound/loopback-receiver.ts';
import { refusal, TestService } from './test-service.ts';

const receiver = await LoopbackReceiver.started();
const service = new TestService({ fetch: receiver.fetch });
const url = `https://${receiverHost}/first.png`;
const png = encodePng(disc(8, 6));

afterAll(() => receiver.stop());

function answers(body: string | Uint8Array, status = 200, headers = {}) {
  receiver.answer = (_, response) => void response.writeHead(status, headers).end(body);
}

describe('an image by its https URL', () => {
  it.each([
    ['a text', url],
    ['an object', { image_url: url }],
  ])('becomes the first frame, in %s', async (_, reference) => {
    answers(png);
    await service.created({ input_reference: reference });
    const uploaded = await service.postForm({ input_reference: new Uint8Array(png) });
    expect(uploaded.status).toBe(200);
    const [fetched, sent] = service.jobs.entries.slice(-2).map(({ created }) => created.firstFrame);
    expect(fetched).toEqual(sent);
    expect(fetched).not.toBeNull();
  });

  it('comes in a form, too, as clients write objects into it', async () => {
    answers(png);
    expect((await service.postForm({ 'input_reference[image_url]': url })).status).toBe(200);
  });

  it.each(hostileUrls.filter(([hostile]) => !hostile.startsWith('data:')))(
    'is refused without a call where the URL is %j',
    async (hostile, code) => {
      receiver.called.length = 0;
      const answer = refusal(service.postJson({ input_reference: { image_url: hostile } }));
      expect(await answer).toEqual([422, code, 'input_reference.image_url']);
      expect(receiver.called).toEqual([]);
    },
  );

  it.each<[string, () => void, number, string]>([
    ['is not there', () => answers('', 404), 422, 'url_unreachable'],
    ['needs a password', () => answers('', 401), 422, 'url_unreachable'],
    [
      'is moved to a private address',
      () => answers('', 302, { location: 'http://127.0.0.1/' }),
      422,
      'url_redirect',
    ],
    ['is too large', () => answers(new Uint8Array(limits.bodyBytes + 1)), 422, 'url_body_too_large'],
  ])('is refused where it %s', async (_, prepare, status, code) => {
    prepare();
    expect(await refusal(service.postJson({ input_reference: url }))).toEqual([
      status,
      code,
      'input_reference',
    ]);
  });

  it.each<[string, string | Uint8Array, number, string]>([
    ['a page', '<html></html>', 415, 'image_type'],
    ['nothing', '', 422, 'image_corrupt'],
    ['half an image', png.subarray(0, 50), 422, 'image_corrupt'],
  ])('is checked as an upload: %s', async (_, body, status, code) => {
    answers(body, 200, { 'content-type': 'image/png' });
    expect(await refusal(service.postJson({ input_reference: url }))).toEqual([
      status,
      code,
      'input_reference',
    ]);
  });
});
