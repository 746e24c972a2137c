import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serverEvents } from '../../src/client/server-event.ts';
import { VideoClient } from '../../src/client/video-client.ts';
import type { VideoEvent } from '../../src/contract/video-event.ts';
import { encodePng } from '../../src/media/png.ts';
import { TestService } from '../http/test-service.ts';
import { plain } from '../media/sample-image.ts';
import { serviceKey } from '../service-key.ts';

const png = encodePng(plain(8, 6, [1, 2, 3, 255]));
const pngs = (count: number) => new Array<Uint8Array>(count).fill(png);

function clientOf(send: (request: Request) => Promise<Response>): VideoClient {
  return new VideoClient('http://service.test', serviceKey, send);
}

/** The answer as far as so many bytes, and then a connection that broke. */
function brokenAfter(bytes: number, answer: Response): Response {
  let left = bytes;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) controller.error(new TypeError('the network was lost'));
    },
  });
  return new Response(answer.body?.pipeThrough(cut), answer);
}

async function all(events: AsyncIterable<VideoEvent>): Promise<VideoEvent[]> {
  const list: VideoEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

function frameIndices(events: VideoEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'frame' ? [event.data.index] : []));
}

describe('the client', () => {
  it('pauses, resumes, cancels, extends and forks', async () => {
    const service = new TestService();
    const client = clientOf(service.send);
    const { id } = await client.create({ frames: 9 });
    expect((await client.pause(id)).status).toBe('paused');
    expect((await client.resume(id)).status).toBe('queued');
    service.jobs.commit(id, pngs(4), 'in_progress');
    expect((await client.cancel(id)).status).toBe('cancelled');
    expect((await client.extend(id, { frames: 3, prompt: 'jump' })).frames.requested).toBe(7);
    const fork = await client.fork(id, { frame: 1, seed: 5, metadata: { a: 'b' } });
    expect(fork).toMatchObject({ forked_from: { id, frames: 2 }, seed: 5, metadata: { a: 'b' } });
    await expect(client.extend(id)).rejects.toMatchObject({ status: 409, code: 'job_not_finished' });
  });
});

describe('following a video', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** Lets time pass until something is there. */
  async function inTime<T>(something: Promise<T>): Promise<T> {
    let isThere = false;
    const settled = () => {
      isThere = true;
    };
    something.then(settled, settled);
    while (!isThere) await vi.advanceTimersByTimeAsync(1000);
    return something;
  }

  it('brings every frame once, however often the connection breaks', async () => {
    const service = new TestService();
    let connections = 0;
    const client = clientOf(async (request) => {
      const answer = await service.send(request);
      if (!request.url.includes('/events')) return answer;
      connections += 1;
      return connections < 40 ? brokenAfter(250 * (connections % 7), answer) : answer;
    });
    const { id } = await client.create({ frames: 60 });
    service.jobs.commit(id, pngs(60), 'completed');
    const events = await inTime(all(client.follow(id)));
    expect(connections).toBeGreaterThan(10);
    expect(frameIndices(events)).toEqual(Array.from({ length: 60 }, (_, index) => index));
    expect(events.at(-1)).toMatchObject({ type: 'completed', data: { id } });
  });

  it('begins where asked, and with the images where asked', async () => {
    const service = new TestService();
    const client = clientOf(service.send);
    const { id } = await client.create({ frames: 5 });
    service.jobs.commit(id, pngs(5), 'failed');
    const events = await inTime(all(client.follow(id, { from: 3, images: 'data' })));
    expect(frameIndices(events)).toEqual([3, 4]);
    expect(events[0]).toMatchObject({ data: { image: expect.stringMatching(/^data:image\/png;base64,/) } });
    expect(events.at(-1)?.type).toBe('failed');
  });

  it('waits through heartbeats and leaves when its reader leaves', async () => {
    const service = new TestService();
    const client = clientOf(service.send);
    const { id } = await client.create({ frames: 5 });
    const events = client.follow(id);
    expect((await inTime(events.next())).value?.type).toBe('progress');
    const frame = events.next();
    await vi.advanceTimersByTimeAsync(100_000);
    const connections = service.jobs.newsCalls;
    expect(connections).toBeGreaterThan(5);
    service.jobs.commit(id, pngs(1), 'in_progress');
    expect((await inTime(frame)).value?.type).toBe('frame');
    await events.return(undefined);
    service.jobs.commit(id, pngs(1), 'in_progress');
    await vi.advanceTimersByTimeAsync(100_000);
    expect(service.jobs.newsCalls).toBeLessThanOrEqual(connections + 2);
    expect(service.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('takes a silent connection for a dead one', async () => {
    const service = new TestService();
    let connections = 0;
    const client = clientOf(async (request) => {
      if (!request.url.includes('/events') || ++connections > 1) return service.send(request);
      return new Response(new ReadableStream());
    });
    const { id } = await client.create({ frames: 1 });
    service.jobs.commit(id, pngs(1), 'completed');
    expect(frameIndices(await inTime(all(client.follow(id))))).toEqual([0]);
    expect(connections).toBe(2);
  });

  it('gives up after a bounded number of connections that bring nothing new', async () => {
    let connections = 0;
    const client = clientOf(async () => {
      connections += 1;
      throw new TypeError('the network is gone');
    });
    await inTime(expect(all(client.follow('video_0'))).rejects.toThrow('the network is gone'));
    expect(connections).toBe(11);
    const busy = clientOf(async () => {
      connections += 1;
      return new Response('event: progress\ndata: {}\n\n', { status: 503 });
    });
    await inTime(expect(all(busy.follow('video_0'))).rejects.toMatchObject({ status: 503 }));
    expect(connections).toBe(22);
  });

  it('does not ask twice where the service refuses', async () => {
    const service = new TestService();
    let connections = 0;
    const client = clientOf((request) => {
      connections += 1;
      return service.send(request);
    });
    await expect(all(client.follow('video_99'))).rejects.toMatchObject({ code: 'job_not_found' });
    expect(connections).toBe(1);
  });
});

describe('server-sent events', () => {
  async function read(...pieces: string[]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    const list = [];
    for await (const event of serverEvents(body, 1000)) list.push(event);
    return list;
  }

  it('are read however they are cut and whatever ends their lines', async () => {
    const text = ': hello\n\nid: 1\nevent: frame\ndata: {"a":\ndata: 1}\n\ndata:plain\n\n';
    const expected = [
      { name: '', data: 'hello' },
      { name: 'frame', data: '{"a":\n1}' },
      { name: 'message', data: 'plain' },
    ];
    for (const variant of [text, text.replaceAll('\n', '\r\n'), `${text.replaceAll('\n', '\r')}:\r`]) {
      const seen = await read(...variant);
      expect(seen.slice(0, 3)).toEqual(expected);
    }
    expect(await read(text)).toEqual(expected);
  });

  it('that break off are none', async () => {
    expect(await read('event: frame\ndata: {}\n')).toEqual([]);
    expect(await read('event: frame\n\n')).toEqual([]);
  });
});
