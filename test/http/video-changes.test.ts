import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import type { Video } from '../../src/contract/job.ts';
import type { Services } from '../../src/http/services.ts';
import { encodePng } from '../../src/media/png.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { plain } from '../media/sample-image.ts';
import { refusal, TestService } from './test-service.ts';

const png = encodePng(plain(8, 6, [1, 2, 3, 255]));
const jump = { from: 6, label: 'jump' };

/** A service with one video, of which so many frames are made. */
async function made(
  committed: number,
  status: Video['status'],
  body: unknown = {},
  changes: Partial<Services> = {},
): Promise<{ service: TestService; path: string }> {
  const service = new TestService(changes);
  const { id } = await service.created(body);
  service.jobs.commit(id, new Array(committed).fill(png), status);
  return { service, path: `/v1/videos/${id}` };
}

async function video(answer: Promise<Response>): Promise<Video> {
  const response = await answer;
  if (response.status !== 200) throw new Error(await response.text());
  return response.json() as Promise<Video>;
}

const post = (service: TestService, path: string) => service.request(path, { method: 'POST' });

describe('pause, resume and cancel', () => {
  it('answer with the video, whatever body is sent', async () => {
    const { service, path } = await made(3, 'in_progress');
    expect((await video(post(service, `${path}/pause`))).status).toBe('paused');
    expect((await video(service.postJson({}, `${path}/resume`))).status).toBe('queued');
    const headers = { 'content-type': 'text/plain' };
    expect((await video(service.postText('stop!', headers, `${path}/cancel`))).status).toBe('cancelled');
    expect(service.jobs.commands.map(({ kind }) => kind)).toEqual(['pause', 'resume', 'cancel']);
  });

  it('come again and answer the same, cancel of a cancelled video, too', async () => {
    const { service, path } = await made(3, 'in_progress');
    for (const [command, status] of [
      ['resume', 'in_progress'],
      ['pause', 'paused'],
      ['resume', 'queued'],
      ['cancel', 'cancelled'],
    ]) {
      for (let time = 0; time < 2; time++)
        expect((await video(post(service, `${path}/${command}`))).status).toBe(status);
    }
  });

  it('of a finished video are 409 job_terminal, which clients need not repeat', async () => {
    for (const [status, commands] of [
      ['completed', ['pause', 'resume', 'cancel']],
      ['failed', ['pause', 'resume', 'cancel']],
      ['cancelled', ['pause', 'resume']],
    ] as const) {
      const { service, path } = await made(3, status);
      for (const command of commands) {
        const answer = await post(service, `${path}/${command}`);
        expect(answer.headers.get('x-should-retry')).toBe('false');
        expect(await refusal(Promise.resolve(answer))).toEqual([409, 'job_terminal', null]);
      }
    }
  });
});

it('deletes a video in any state', async () => {
  for (const status of ['queued', 'in_progress', 'paused', 'completed', 'failed', 'cancelled'] as const) {
    const { service, path } = await made(2, status);
    expect((await service.request(path, { method: 'DELETE' })).status).toBe(200);
    expect(await refusal(service.request(path))).toEqual([404, 'job_not_found', null]);
  }
});

it('answers 404 to an unknown video and 410 to an expired one, on every route', async () => {
  const { service } = await made(2, 'completed');
  service.jobs.expire('video_0');
  for (const [id, expected] of [
    ['video_99', [404, 'job_not_found', null]],
    ['video_0', [410, 'job_expired', null]],
  ] as const) {
    for (const command of ['pause', 'resume', 'cancel', 'extend', 'fork']) {
      expect(await refusal(post(service, `/v1/videos/${id}/${command}`))).toEqual(expected);
    }
    for (const path of ['', '/events', '/content', '/frames/0.png']) {
      expect(await refusal(service.request(`/v1/videos/${id}${path}`))).toEqual(expected);
    }
    expect(await refusal(service.postJson({ video: { id } }, '/v1/videos/extensions'))).toEqual(expected);
  }
});

it('says when to ask again where an account has too many unfinished videos', async () => {
  const service = new TestService();
  const { Failure } = await import('../../src/contract/failure.ts');
  service.jobs.create = async () => {
    throw new Failure('concurrency_limit', 'You have 100 unfinished videos, which is all you may.');
  };
  const answer = await service.postJson({});
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(await refusal(Promise.resolve(answer))).toEqual([429, 'concurrency_limit', null]);
});

describe('extend', () => {
  it('adds as many frames as the model makes by default, drawn as before', async () => {
    const { service, path } = await made(12, 'completed');
    expect(await video(post(service, `${path}/extend`))).toMatchObject({
      status: 'queued',
      frames: { requested: 24, committed: 12 },
    });
    expect(service.jobs.commands).toMatchObject([{ kind: 'extend', from: 12, frames: 24 }]);
  });

  it('goes on from the last frame there is with a new label, schedule or interval', async () => {
    for (const [body, command] of [
      [
        { frames: 3, prompt: 'jump' },
        { frames: 8, labels: [{ from: 5, label: 'jump' }] },
      ],
      [
        { seconds: '1', labels: [jump], interval: 4 },
        { frames: 13, labels: [jump], interval: 4 },
      ],
      [
        { frames: 1, labels: [] },
        { frames: 6, labels: [] },
      ],
      [{ frames: 1, prompt: '' }, { frames: 6 }],
    ]) {
      const { service, path } = await made(5, 'cancelled');
      await video(service.postJson(body, `${path}/extend`));
      expect(service.jobs.commands).toEqual([
        { kind: 'extend', from: 5, ...command, frameCredits: expect.any(Number) },
      ]);
    }
  });

  it('costs what a new video costs where no frame is made yet, and the model draws frame 0 in more steps', async () => {
    const firstFrame = { decodeSteps: 4, headSteps: 50, temperature: 1 };
    const manifest = { ...sampleManifest, defaults: { ...sampleManifest.defaults, firstFrame } };
    const models = {
      names: ['sample'],
      byDefault: 'sample',
      manifest: async () => manifest,
      build: async () => '1',
    };
    const quoted = async (body: object, committed: number, frames = 5) => {
      const { service, path } = await made(committed, 'cancelled', body, { models });
      const before = (await video(service.request(path))).cost.quoted;
      return [before, (await video(service.postJson({ frames }, `${path}/extend`))).cost.quoted - before];
    };
    const image_url = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
    const [ordered, added] = await quoted({ frames: 5 }, 0);
    expect(added).toBe(ordered);
    const [, later = 0] = await quoted({ frames: 5 }, 1);
    expect(later).toBeLessThan(added ?? 0);
    expect(await quoted({ frames: 6, input_reference: { image_url } }, 0, 6)).toEqual([later, later]);
  });

  it('takes the form that the npm package openai sends, and the id of the video as it is', async () => {
    const { service } = await made(5, 'failed');
    const form = { 'video[id]': 'video_0', prompt: 'walk', seconds: '4' };
    expect(await video(service.postForm(form, '/v1/videos/extensions'))).toMatchObject({
      id: 'video_0',
      frames: { requested: 37 },
    });
    service.jobs.commit('video_0', [], 'completed');
    const named = { video: 'video_0', frames: 2 };
    expect((await video(service.postJson(named, '/v1/videos/extensions'))).frames.requested).toBe(7);
  });

  it('of an unfinished video is 409 job_not_finished', async () => {
    for (const status of ['queued', 'in_progress', 'paused'] as const) {
      const { service, path } = await made(3, status);
      expect(await refusal(post(service, `${path}/extend`))).toEqual([409, 'job_not_finished', null]);
    }
  });

  it('stops at the longest video there may be', async () => {
    const { service, path } = await made(limits.framesPerJob - 3, 'completed', {
      frames: limits.framesPerJob - 3,
    });
    expect(await refusal(service.postJson({ frames: 4 }, `${path}/extend`))).toEqual([
      422,
      'out_of_range',
      'frames',
    ]);
    expect((await video(post(service, `${path}/extend`))).frames.requested).toBe(limits.framesPerJob);
    service.jobs.commit('video_0', [png, png, png], 'completed');
    expect(await refusal(post(service, `${path}/extend`))).toEqual([422, 'out_of_range', 'frames']);
  });

  it.each([
    [
      'a label of a frame that is made',
      { labels: [{ from: 4, label: 'jump' }] },
      'out_of_range',
      'labels[0].from',
    ],
    ['an unknown label', { prompt: 'fly' }, 'label_unknown', 'prompt'],
    ['prompt and labels', { prompt: 'walk', labels: [jump] }, 'fields_conflict', 'labels'],
    ['an unsorted schedule', { labels: [jump, jump] }, 'labels_order', 'labels[1].from'],
    ['frames and seconds', { frames: 1, seconds: 1 }, 'fields_conflict', 'seconds'],
    ['no frames', { frames: 0 }, 'out_of_range', 'frames'],
    ['too many seconds', { seconds: 5000 }, 'out_of_range', 'seconds'],
    ['an interval over the model', { interval: 5 }, 'out_of_range', 'interval'],
    ['a seed', { seed: 1 }, 'unknown_field', 'seed'],
  ])('refuses %s', async (_, body, code, param) => {
    const { service, path } = await made(5, 'completed');
    expect(await refusal(service.postJson(body, `${path}/extend`))).toEqual([422, code, param]);
    expect(service.jobs.commands).toEqual([]);
  });

  it('says that labels count frames of the whole video', async () => {
    const { service, path } = await made(5, 'completed');
    const body = { labels: [{ from: 0, label: 'jump' }] };
    expect(await (await service.postJson(body, `${path}/extend`)).text()).toContain('at least 5');
  });

  it('refuses a schedule that is too long together with the old one', async () => {
    const labels = Array.from({ length: limits.scheduleEntries }, (_, from) => ({ from, label: 'walk' }));
    const { service, path } = await made(300, 'completed', { frames: 300, labels });
    const body = { prompt: 'jump' };
    expect(await refusal(service.postJson(body, `${path}/extend`))).toEqual([422, 'out_of_range', 'labels']);
  });

  it('by id needs a video', async () => {
    const { service } = await made(5, 'completed');
    for (const [body, code] of [
      [{}, 'field_required'],
      [{ video: 5 }, 'type_mismatch'],
    ]) {
      expect(await refusal(service.postJson(body, '/v1/videos/extensions'))).toEqual([422, code, 'video']);
    }
  });
});

describe('fork', () => {
  it('makes a new video that shares the frames there are, with a seed of its own', async () => {
    const { service, path } = await made(5, 'in_progress', { seed: 1, interval: 3, metadata: { a: 'b' } });
    expect(await video(post(service, `${path}/fork`))).toMatchObject({
      id: 'video_1',
      status: 'queued',
      forked_from: { id: 'video_0', frames: 5 },
      frames: { requested: 12, committed: 5 },
      seed: 4711,
      legs: [
        { from: 0, seed: 1, interval: 3 },
        { from: 5, seed: 4711, interval: 3 },
      ],
      metadata: {},
    });
    expect(service.jobs.entries[1]?.created).toMatchObject({
      build: 'build-1',
      firstFrame: null,
      frameMultiplyAdds: service.jobs.entries[0]?.created.frameMultiplyAdds,
    });
  });

  it('takes every field; new labels replace the schedule after the last shared frame', async () => {
    const labels = [
      { from: 0, label: 'walk' },
      { from: 2, label: 'run' },
    ];
    const { service, path } = await made(12, 'completed', { labels, decode_steps: 4, temperature: 0 });
    const fields = { seed: 9, interval: 2, metadata: { c: 'd' } };
    const body = { ...fields, frame: 1, frames: 20, labels: [jump] };
    expect(await video(service.postJson(body, `${path}/fork`))).toMatchObject({
      ...fields,
      frames: { requested: 20, committed: 2 },
      decode_steps: 4,
      temperature: 0,
      labels: [{ from: 0, label: 'walk' }, jump],
    });
    const prompted = await video(service.postJson({ frame: 5, prompt: 'jump', seconds: 1 }, `${path}/fork`));
    expect(prompted).toMatchObject({ frames: { requested: 8 }, labels: [...labels, jump] });
    expect((await video(service.postJson({ frame: 1 }, `${path}/fork`))).labels).toEqual(labels);
  });

  it('of a whole video is as much longer as the model makes by default', async () => {
    const { service, path } = await made(12, 'completed');
    expect((await video(post(service, `${path}/fork`))).frames).toEqual({ requested: 24, committed: 12 });
    expect((await video(service.postJson({ frame: 10 }, `${path}/fork`))).frames.requested).toBe(12);
  });

  it('keeps no leg of frames that it does not share', async () => {
    const { service, path } = await made(6, 'cancelled', { seed: 1 });
    const first = await video(service.postJson({ frame: 3, seed: 2 }, `${path}/fork`));
    const again = await video(service.postJson({ frame: 3, seed: 3 }, `/v1/videos/${first.id}/fork`));
    expect(again.legs.map(({ from, seed }) => [from, seed])).toEqual([
      [0, 1],
      [4, 3],
    ]);
  });

  it.each([
    ['a frame that is not made', { frame: 5 }, 'out_of_range', 'frame'],
    ['a frame before the first', { frame: -1 }, 'out_of_range', 'frame'],
    ['no frame of its own', { frame: 4, frames: 5 }, 'out_of_range', 'frames'],
    [
      'a label of a shared frame',
      { frame: 4, labels: [{ from: 4, label: 'jump' }] },
      'out_of_range',
      'labels[0].from',
    ],
    ['a seed of 2^53', { seed: 2 ** 53 }, 'seed_unsafe', 'seed'],
    ['an interval over the model', { interval: 5 }, 'out_of_range', 'interval'],
    ['another model', { model: 'sample' }, 'unknown_field', 'model'],
  ])('refuses %s', async (_, body, code, param) => {
    const { service, path } = await made(5, 'in_progress');
    expect(await refusal(service.postJson(body, `${path}/fork`))).toEqual([422, code, param]);
    expect(service.jobs.entries.length).toBe(1);
  });

  it('of a video without frames is refused', async () => {
    const { service, path } = await made(0, 'queued');
    expect(await refusal(post(service, `${path}/fork`))).toEqual([422, 'out_of_range', 'frame']);
  });

  it('takes a form', async () => {
    const { service, path } = await made(5, 'completed');
    const answer = service.postForm(
      { frame: '2', seed: '8', labels: '[{"from":6,"label":"jump"}]' },
      `${path}/fork`,
    );
    expect(await video(answer)).toMatchObject({ seed: 8, frames: { committed: 3 }, labels: [jump] });
  });
});

it('refuses one change of seed or interval too many, and what changes neither goes on', async () => {
  const { service, path } = await made(300, 'completed', { frames: 300, seed: 1 });
  const legs = Array.from({ length: limits.legsPerJob }, (_, from) => ({
    from,
    seed: 1,
    interval: 1 + (from % 2),
  }));
  const [entry] = service.jobs.entries;
  if (entry === undefined) throw new Error('no job');
  entry.job = { ...entry.job, spec: { ...entry.job.spec, legs } };
  const extended = (body: unknown) => service.postJson(body, `${path}/extend`);
  const forked = (body: unknown) => service.postJson(body, `${path}/fork`);
  expect(await refusal(extended({ interval: 3 }))).toEqual([422, 'out_of_range', 'interval']);
  expect(await refusal(forked({ frame: 299 }))).toEqual([422, 'out_of_range', 'frame']);
  expect(await (await forked({ frame: 299 })).text()).toContain('255 times');
  expect((await video(forked({ frame: 299, seed: 1 }))).legs).toEqual(legs);
  expect((await video(forked({ frame: 254, seed: 9 }))).legs.length).toBe(limits.legsPerJob);
  expect((await video(extended({ interval: 2 }))).frames.requested).toBe(312);
});

it('goes on with no video whose model is gone or was built anew', async () => {
  let build = 'build-1';
  let isServed = true;
  const models: Services['models'] = {
    names: ['sample'],
    byDefault: 'sample',
    manifest: async () => (isServed ? sampleManifest : null),
    build: async () => build,
  };
  const { service, path } = await made(5, 'completed', {}, { models });
  build = 'build-2';
  for (const call of ['extend', 'fork']) {
    const answer = await post(service, `${path}/${call}`);
    expect(await answer.clone().text()).toContain('another build');
    expect(await refusal(Promise.resolve(answer))).toEqual([409, 'model_gone', null]);
  }
  isServed = false;
  for (const call of ['extend', 'fork']) {
    const answer = await post(service, `${path}/${call}`);
    expect(await answer.clone().text()).toContain('not served');
    expect(await refusal(Promise.resolve(answer))).toEqual([409, 'model_gone', null]);
  }
});
