import { decodeApng } from 'fast-png';
import { unzipSync } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import type { Raster } from '../../src/contract/frame.ts';
import { decodeOwnPng, encodePng } from '../../src/media/png.ts';
import { enlarged } from '../../src/media/raster.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { readGif } from '../media/gif-reader.ts';
import { disc, plain } from '../media/sample-image.ts';
import { refusal, TestService } from './test-service.ts';

const frames: Raster[] = [disc(8, 6), plain(8, 6, [1, 2, 3, 255]), plain(8, 6, [0, 200, 3, 255])];
const pngs = frames.map(encodePng);

async function bytesOf(response: Response): Promise<Uint8Array> {
  if (response.status !== 200) throw new Error(await response.text());
  return new Uint8Array(await response.arrayBuffer());
}

describe('creating', () => {
  it('fills in the defaults of the model and shows what was asked', async () => {
    const service = new TestService();
    expect(await service.created()).toEqual({
      id: 'video_0',
      object: 'video',
      cost: { quoted: 48, held: 48, captured: 0, released: 0 },
      status: 'queued',
      progress: 0,
      model: 'sample',
      prompt: null,
      labels: [],
      seconds: '1.5',
      size: '8x6',
      frames: { requested: 12, committed: 0 },
      interval: 1,
      seed: 4711,
      legs: [{ from: 0, seed: 4711, interval: 1 }],
      forked_from: null,
      decode_steps: 2,
      head_steps: 3,
      temperature: 1,
      first_frame: { decode_steps: 2, head_steps: 3, temperature: 1 },
      palette: 'first_frame',
      metadata: {},
      links: {
        content: expect.stringMatching(/^\/v1\/videos\/video_0\/content\?token=[\w.-]+$/),
        events: expect.stringMatching(/^\/v1\/videos\/video_0\/events\?token=[\w.-]+$/),
        frames: expect.stringMatching(/^\/v1\/videos\/video_0\/frames\/\{n\}\.png\?token=[\w.-]+$/),
      },
      created_at: 1_700_000_000,
      completed_at: null,
      expires_at: null,
      error: null,
      webhook: null,
    });
  });

  it('takes every field, and pins the build of the model', async () => {
    const service = new TestService();
    const labels = [
      { from: 0, label: 'walk' },
      { from: 5, label: 'jump' },
    ];
    const fields = {
      seed: 2 ** 53 - 1,
      interval: 4,
      decode_steps: 4,
      head_steps: 50,
      temperature: 0.25,
      palette: 'none',
      metadata: { a: 'b' },
    };
    const video = await service.created({ ...fields, model: 'sample', frames: 1000, size: '8x6', labels });
    expect(video).toMatchObject({ ...fields, labels, prompt: null, frames: { requested: 1000 } });
    expect(service.jobs.entries[0]?.created).toMatchObject({ build: 'build-1', spec: { temperature: 0.25 } });
    // 5 passes of 1000, 4 head rows of 10 + 50 * 20, 500 for the decoder.
    expect(service.jobs.entries[0]?.created.frameMultiplyAdds).toBe(5000 + 4 * 1010 + 500);
  });

  it('draws frame 0 with defaults of its own; what the request says holds for every frame', async () => {
    const firstFrame = { decodeSteps: 4, headSteps: 6, temperature: 0.5 };
    const manifest = { ...sampleManifest, defaults: { ...sampleManifest.defaults, firstFrame } };
    const names = ['sample'];
    const models = {
      names,
      byDefault: 'sample',
      manifest: async () => manifest,
      build: async () => 'build-1',
    };
    const service = new TestService({ models, multiplyAddsPerCredit: 1 });
    expect(await service.created()).toMatchObject({
      ...{ decode_steps: 2, head_steps: 3, temperature: 1 },
      first_frame: { decode_steps: 4, head_steps: 6, temperature: 0.5 },
    });
    expect(service.jobs.entries[0]?.created).toMatchObject({
      spec: { firstFrameSampling: firstFrame },
      frameMultiplyAdds: 3 * 1000 + 4 * (10 + 3 * 20) + 500,
      firstFrameMultiplyAdds: 5 * 1000 + 4 * (10 + 6 * 20) + 500,
    });
    // 12 frames, a credit for every multiply-add: the dearer first frame is spread over all of them.
    const [other, first] = [3 * 1000 + 4 * 70 + 500, 5 * 1000 + 4 * 130 + 500];
    expect(service.jobs.entries[0]?.created.frameCredits).toBe(Math.ceil((11 * other + first) / 12));
    expect(await service.created({ decode_steps: 1, temperature: 0 })).toMatchObject({
      ...{ decode_steps: 1, head_steps: 3, temperature: 0 },
      first_frame: { decode_steps: 1, head_steps: 6, temperature: 0 },
    });
    expect(await (await service.request('/v1/models/sample')).json()).toMatchObject({
      decode_steps: { default: 2 },
      first_frame: { decode_steps: 4, head_steps: 6, temperature: 0.5 },
    });
  });

  it('reads a prompt as the label of the whole video, and seconds as a count of frames', async () => {
    const video = await new TestService().created({ prompt: ' run ', seconds: '2' });
    expect(video).toMatchObject({
      prompt: 'run',
      labels: [{ from: 0, label: 'run' }],
      frames: { requested: 16 },
    });
    expect(await new TestService().created({ prompt: '', seconds: 0.5 })).toMatchObject({
      prompt: null,
      seconds: '0.5',
    });
  });

  it('takes a form with texts for numbers, JSON for lists, and bracketed names', async () => {
    const service = new TestService();
    const answer = await service.postForm({
      frames: '7',
      seed: '12',
      temperature: '0.5',
      labels: '[{"from":2,"label":"jump"}]',
      'metadata[who]': 'me',
      'metadata[why]': 'fun',
    });
    expect(await answer.json()).toMatchObject({
      frames: { requested: 7 },
      seed: 12,
      temperature: 0.5,
      labels: [{ from: 2, label: 'jump' }],
      metadata: { who: 'me', why: 'fun' },
    });
  });

  it('takes a first frame as file, data: URL or image_url, the same each way', async () => {
    const service = new TestService();
    const url = `data:image/png;base64,${Buffer.from(pngs[0] as Uint8Array).toString('base64')}`;
    await service.postForm({ input_reference: (pngs[0] as Uint8Array).slice() });
    await service.postForm({ 'input_reference[image_url]': url });
    await service.postJson({ input_reference: url });
    await service.postJson({ input_reference: { image_url: url } });
    expect(service.jobs.entries.map(({ created }) => created.firstFrame)).toEqual(new Array(4).fill(pngs[0]));
  });

  it('fits a larger first frame to the model', async () => {
    const service = new TestService();
    await service.postForm({ input_reference: encodePng(enlarged(frames[0] as Raster, 4)).slice() });
    expect(service.jobs.entries[0]?.created.firstFrame).toEqual(pngs[0]);
  });
});

describe('reading', () => {
  it('lists videos newest first, page by page, without gaps', async () => {
    const service = new TestService();
    for (let i = 0; i < 5; i++) await service.created();
    const seen: string[] = [];
    let page = { has_more: true, last_id: null as string | null };
    while (page.has_more) {
      const after = page.last_id === null ? '' : `&after=${page.last_id}`;
      const list = (await (await service.request(`/v1/videos?limit=2${after}`)).json()) as typeof page & {
        data: { id: string }[];
      };
      seen.push(...list.data.map(({ id }) => id));
      page = list;
    }
    expect(seen).toEqual(['video_4', 'video_3', 'video_2', 'video_1', 'video_0']);
    const oldest = (await (await service.request('/v1/videos?order=asc&limit=1')).json()) as {
      first_id: string;
    };
    expect(oldest.first_id).toBe('video_0');
  });

  it('shows progress in percent, rounded down', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 11 });
    service.jobs.commit(id, pngs, 'in_progress');
    const answer = await service.request(`/v1/videos/${id}`);
    expect(await answer.json()).toMatchObject({
      progress: 27,
      frames: { committed: 3 },
      status: 'in_progress',
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('removes a video', async () => {
    const service = new TestService();
    const { id } = await service.created();
    const answer = await service.request(`/v1/videos/${id}`, { method: 'DELETE' });
    expect(await answer.json()).toEqual({ id, object: 'video.deleted', deleted: true });
    expect((await service.request(`/v1/videos/${id}`)).status).toBe(404);
  });

  it('says what each model takes', async () => {
    const service = new TestService();
    const { data } = (await (await service.request('/v1/models')).json()) as { data: unknown[] };
    expect(data).toEqual([await (await service.request('/v1/models/sample')).json()]);
    expect(data[0]).toMatchObject({
      id: 'sample',
      size: '8x6',
      labels: ['walk', 'run', 'jump'],
      decode_steps: { default: 2, maximum: 4 },
      temperature: { default: 1, maximum: limits.temperature },
    });
  });
});

describe('frames', () => {
  it('are PNG files that may be kept for ever', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 5 });
    service.jobs.commit(id, pngs, 'in_progress');
    const answer = await service.request(`/v1/videos/${id}/frames/1.png`);
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(answer.headers.get('cache-control')).toContain('immutable');
    expect(await bytesOf(answer)).toEqual(pngs[1]);
  });

  it('beyond the end are 404 frame_not_found, not yet made 409 frame_not_ready', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 5 });
    service.jobs.commit(id, pngs, 'in_progress');
    expect(await refusal(service.request(`/v1/videos/${id}/frames/5.png`))).toEqual([
      404,
      'frame_not_found',
      null,
    ]);
    expect(await refusal(service.request(`/v1/videos/${id}/frames/3.png`))).toEqual([
      409,
      'frame_not_ready',
      null,
    ]);
    for (const status of ['failed', 'cancelled'] as const) {
      service.jobs.commit(id, [], status);
      expect(await refusal(service.request(`/v1/videos/${id}/frames/3.png`))).toEqual([
        404,
        'frame_not_found',
        null,
      ]);
    }
  });
});

describe('content', () => {
  async function partial(): Promise<{ service: TestService; path: string }> {
    const service = new TestService();
    const { id } = await service.created({ frames: 5 });
    service.jobs.commit(id, pngs, 'in_progress');
    return { service, path: `/v1/videos/${id}/content` };
  }

  it('of an unfinished video is a GIF of what there is', async () => {
    const { service, path } = await partial();
    const answer = await service.request(path);
    expect(answer.headers.get('content-type')).toBe('image/gif');
    const gif = readGif(await bytesOf(answer));
    expect(gif.frames.map((frame) => frame.pixels).slice(1)).toEqual(
      frames.map((frame) => frame.pixels).slice(1),
    );
  });

  it('is an APNG without loss, enlarged where asked', async () => {
    const { service, path } = await partial();
    const apng = decodeApng(await bytesOf(await service.request(`${path}?format=apng`)));
    expect(apng.frames.map((frame) => frame.data)).toEqual(frames.map((frame) => frame.pixels));
    const large = decodeApng(await bytesOf(await service.request(`${path}?format=apng&scale=3`)));
    expect(large.frames[2]?.data).toEqual(enlarged(frames[2] as Raster, 3).pixels);
  });

  it('is a ZIP of the PNG files, as they are stored or enlarged, the same bytes each time', async () => {
    const { service, path } = await partial();
    const answer = await service.request(`${path}?format=png-sequence`);
    expect(answer.headers.get('content-type')).toBe('application/zip');
    expect(answer.headers.get('content-disposition')).toContain('.zip"');
    const zip = await bytesOf(answer);
    const files = unzipSync(zip);
    expect(Object.keys(files)).toEqual(['frame-0000.png', 'frame-0001.png', 'frame-0002.png']);
    expect(Object.values(files).map((file) => Buffer.from(file))).toEqual(
      pngs.map((png) => Buffer.from(png)),
    );
    expect(await bytesOf(await service.request(`${path}?format=png-sequence`))).toEqual(zip);
    const large = unzipSync(await bytesOf(await service.request(`${path}?format=png-sequence&scale=2`)));
    expect(decodeOwnPng(large['frame-0002.png'] as Uint8Array)).toEqual(enlarged(frames[2] as Raster, 2));
  });

  it('is refused as webm and mp4, and where a picture has a format', async () => {
    const { service, path } = await partial();
    for (const format of ['webm', 'mp4']) {
      const answer = service.request(`${path}?format=${format}`);
      expect(await refusal(answer)).toEqual([422, 'format_unsupported', 'format']);
    }
    for (const variant of ['thumbnail', 'spritesheet']) {
      for (const format of ['gif', 'apng', 'png-sequence', 'webm', 'mp4']) {
        const answer = service.request(`${path}?variant=${variant}&format=${format}`);
        expect(await refusal(answer)).toEqual([422, 'fields_conflict', 'format']);
      }
    }
  });

  it('is a sprite sheet or a thumbnail', async () => {
    const { service, path } = await partial();
    const sheet = decodeOwnPng(await bytesOf(await service.request(`${path}?variant=spritesheet`)));
    expect([sheet.width, sheet.height]).toEqual([24, 6]);
    const thumbnail = await bytesOf(await service.request(`${path}?variant=thumbnail&scale=2`));
    expect(decodeOwnPng(thumbnail)).toEqual(enlarged(frames[0] as Raster, 2));
  });

  it('reads a long video in batches without losing a frame', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 200 });
    service.jobs.commit(
      id,
      Array.from({ length: 200 }, (_, i) => encodePng(plain(8, 6, [i, 0, 0, 255]))),
      'completed',
    );
    const gif = readGif(await bytesOf(await service.request(`/v1/videos/${id}/content?variant=video`)));
    expect(gif.frames.map((frame) => frame.pixels[0])).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('of a paused and of a cancelled video is what there is', async () => {
    const { service, path } = await partial();
    for (const status of ['paused', 'cancelled'] as const) {
      service.jobs.commit('video_0', [], status);
      expect(readGif(await bytesOf(await service.request(path))).frames.length).toBe(3);
      expect((await service.request('/v1/videos/video_0/frames/2.png')).status).toBe(200);
    }
  });

  it('of a video that is removed while it is read breaks off', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 200 });
    service.jobs.commit(id, new Array(200).fill(pngs[1]), 'completed');
    const answer = await service.request(`/v1/videos/${id}/content`);
    await service.jobs.remove(id);
    await expect(answer.arrayBuffer()).rejects.toThrow('removed while it was read');
  });

  it('of 10,000 frames is fetched as fast as it is read', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 10_000 });
    service.jobs.commit(id, new Array(10_000).fill(pngs[1]), 'completed');
    const fetched = vi.spyOn(service.jobs, 'frames');
    const answer = await service.request(`/v1/videos/${id}/content?format=apng`);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    for (let piece = 0; piece < 100; piece++) await reader.read();
    expect(fetched.mock.calls.length).toBeLessThan(4);
    await reader.cancel();
    const whole = await bytesOf(await service.request(`/v1/videos/${id}/content?format=apng`));
    expect(decodeApng(whole).numberOfFrames).toBe(10_000);
  });

  it('of 10,000 frames of 64x64 is made, larger ones are refused', async () => {
    const service = new TestService();
    const { id } = await service.created({ frames: 10_000 });
    service.jobs.commit(id, new Array(10_000).fill(encodePng(disc(64, 64))), 'completed');
    const entry = service.jobs.entries[0];
    if (entry === undefined) throw new Error('no job');
    entry.job = { ...entry.job, spec: { ...entry.job.spec, width: 64, height: 64 } };
    const path = `/v1/videos/${id}/content`;
    for (const format of ['gif', 'apng', 'png-sequence']) {
      const answer = await service.request(`${path}?format=${format}`);
      expect(answer.status).toBe(200);
      await answer.body?.cancel();
      expect(await refusal(service.request(`${path}?format=${format}&scale=2`))).toEqual([
        422,
        'out_of_range',
        'scale',
      ]);
    }
  });

  it('without any frame is 409 frame_not_ready, of a video that failed 404 frame_not_found', async () => {
    const service = new TestService();
    const { id } = await service.created();
    const waiting = await service.request(`/v1/videos/${id}/content`);
    expect(waiting.headers.get('retry-after')).toBe('1');
    expect(await refusal(Promise.resolve(waiting))).toEqual([409, 'frame_not_ready', null]);
    for (const status of ['failed', 'cancelled'] as const) {
      service.jobs.commit(id, [], status);
      expect(await refusal(service.request(`/v1/videos/${id}/content`))).toEqual([
        404,
        'frame_not_found',
        null,
      ]);
    }
  });
});
