import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { Video } from '../../src/contract/job.ts';
import { encodePng } from '../../src/media/png.ts';
import { plain } from '../media/sample-image.ts';
import { refusal, TestService } from './test-service.ts';

const png = encodePng(plain(8, 6, [1, 2, 3, 255]));
const pngs = (count: number) => new Array<Uint8Array>(count).fill(png);

interface SeenEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: Record<string, unknown>;
  readonly comment?: string;
  readonly retry?: string;
}

/** What comes over one connection, cut independently of the client's reader. */
class Listener {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';

  constructor(answer: Response) {
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    this.#reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  }

  /** Null at the end of the stream. */
  async next(): Promise<SeenEvent | null> {
    for (let end = -1; ; ) {
      end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return seen(block);
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += new TextDecoder().decode(value);
    }
  }

  async rest(): Promise<SeenEvent[]> {
    const events: SeenEvent[] = [];
    for (let event = await this.next(); event !== null; event = await this.next()) events.push(event);
    return events;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

function seen(block: string): SeenEvent {
  const fields = block.split('\n').map((line) => {
    const colon = line.indexOf(': ');
    return [colon === 0 ? 'comment' : line.slice(0, colon), line.slice(colon + 2)];
  });
  const { data, ...rest } = Object.fromEntries(fields) as Record<string, string>;
  return data === undefined ? rest : { ...rest, data: JSON.parse(data) };
}

function frameIndices(events: SeenEvent[]): number[] {
  return events.filter(({ event }) => event === 'frame').map(({ data }) => data?.index as number);
}

/** The same numbers at every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function video(frames: number): Promise<{ service: TestService; id: string; path: string }> {
  const service = new TestService();
  const { id } = await service.created({ frames });
  return { service, id, path: `/v1/videos/${id}/events` };
}

async function listen(service: TestService, path: string, lastId?: number): Promise<Listener> {
  const headers = lastId === undefined ? {} : { 'last-event-id': String(lastId) };
  return new Listener(await service.request(path, { headers }));
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the stream of events', () => {
  it('of a finished video replays every frame once and in order, then says how it ended', async () => {
    const { service, id, path } = await video(20);
    service.jobs.commit(id, pngs(20), 'completed');
    const answer = await service.request(path);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const events = await new Listener(answer).rest();
    const shown = Video.parse(await (await service.request(`/v1/videos/${id}`)).json());
    expect(events[0]).toEqual({ retry: '1000' });
    expect(events[1]).toEqual({
      id: '0',
      event: 'frame',
      data: { index: 0, url: shown.links.frames.replace('{n}', '0') },
    });
    expect(frameIndices(events)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    const last = events.at(-1);
    expect(last?.event).toBe('completed');
    expect(last?.id).toBeUndefined();
    expect(last?.data).toEqual(shown);
    const cost = { quoted: 80, held: 0, captured: 80, released: 0 };
    const progress = { status: 'completed', committed: 20, requested: 20, progress: 100, cost };
    expect(events.at(-2)).toEqual({ event: 'progress', data: progress });
  });

  it('gives frames as they are made, and every change of the status', async () => {
    const { service, id, path } = await video(3);
    const listener = await listen(service, path);
    await listener.next();
    const progress = async () => (await listener.next())?.data;
    const cost = { quoted: 12, held: 12, captured: 0, released: 0 };
    expect(await progress()).toEqual({ status: 'queued', committed: 0, requested: 3, progress: 0, cost });
    service.jobs.commit(id, pngs(1), 'in_progress');
    expect((await listener.next())?.id).toBe('0');
    const after = { ...cost, held: 8, captured: 4 };
    const made = { status: 'in_progress', committed: 1, requested: 3, progress: 33, cost: after };
    expect(await progress()).toEqual(made);
    service.jobs.commit(id, [], 'paused');
    expect(await progress()).toMatchObject({ status: 'paused', committed: 1 });
    service.jobs.commit(id, [], 'queued');
    expect(await progress()).toMatchObject({ status: 'queued' });
    service.jobs.commit(id, pngs(2), 'completed');
    const rest = await listener.rest();
    expect(rest.map(({ event }) => event)).toEqual(['frame', 'frame', 'progress', 'completed']);
  });

  it('carries the frames themselves where asked', async () => {
    const { service, id, path } = await video(1);
    service.jobs.commit(id, [png], 'completed');
    const events = await (await listen(service, `${path}?images=data`)).rest();
    const image = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
    expect(events[1]?.data).toMatchObject({ index: 0, image });
  });

  it('brings every index exactly once over 200 random disconnects', async () => {
    const { service, id, path } = await video(1000);
    const random = numbers(7);
    const indices: number[] = [];
    let lastId: number | undefined;
    for (let connection = 0; connection < 200; connection++) {
      const listener = await listen(service, path, lastId);
      const frames = Math.floor(random() * 6);
      if (random() < 0.8) service.jobs.commit(id, pngs(Math.floor(random() * 7)), 'in_progress');
      const { committedFrames } = (await service.jobs.find(id)) ?? { committedFrames: 0 };
      const wanted = Math.min(frames, committedFrames - indices.length);
      for (let got = 0; got < wanted; ) {
        const event = await listener.next();
        if (event?.event !== 'frame') continue;
        indices.push(event.data?.index as number);
        lastId = Number(event.id);
        got += 1;
      }
      await listener.leave();
    }
    const { committedFrames } = (await service.jobs.find(id)) ?? { committedFrames: 0 };
    service.jobs.commit(id, pngs(1000 - committedFrames), 'completed');
    indices.push(...frameIndices(await (await listen(service, path, lastId)).rest()));
    expect(indices).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  it('goes on after the header, which outdoes the query of the first connection', async () => {
    const { service, id, path } = await video(6);
    service.jobs.commit(id, pngs(6), 'completed');
    const byQuery = await (await listen(service, `${path}?last_event_id=2`)).rest();
    expect(frameIndices(byQuery)).toEqual([3, 4, 5]);
    const byBoth = await (await listen(service, `${path}?last_event_id=2`, 4)).rest();
    expect(frameIndices(byBoth)).toEqual([5]);
    const all = await (await listen(service, path, 5)).rest();
    expect(all.map(({ event }) => event)).toEqual([undefined, 'progress', 'completed']);
  });

  it('asks a job for nothing that its listener has not the time to read', async () => {
    const { service, id, path } = await video(1000);
    const listener = await listen(service, path);
    expect(service.jobs.newsCalls).toBe(0);
    await listener.next();
    await listener.next();
    for (let frame = 0; frame < 1000; frame++) {
      service.jobs.commit(id, [png], frame === 999 ? 'completed' : 'in_progress');
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(service.jobs.newsCalls).toBe(1);
    expect(frameIndices(await listener.rest())).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  it('sends a comment every 15 seconds while nothing happens, and stays open', async () => {
    const { service, id, path } = await video(3);
    service.jobs.commit(id, pngs(1), 'paused');
    const listener = await listen(service, path);
    for (let event = 0; event < 3; event++) await listener.next();
    vi.useFakeTimers();
    for (let heartbeat = 0; heartbeat < 3; heartbeat++) {
      const next = listener.next();
      let isThere = false;
      void next.then(() => {
        isThere = true;
      });
      await vi.advanceTimersByTimeAsync(14_999);
      expect(isThere).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(await next).toEqual({ comment: 'nothing new' });
    }
    service.jobs.commit(id, pngs(2), 'completed');
    expect(frameIndices(await listener.rest())).toEqual([1, 2]);
  });

  it.each(['failed', 'cancelled'] as const)('of a video that is %s ends with that', async (status) => {
    const { service, id, path } = await video(5);
    const listener = await listen(service, path);
    service.jobs.commit(id, pngs(2), status);
    const events = await listener.rest();
    expect(frameIndices(events)).toEqual([0, 1]);
    expect(events.at(-1)).toMatchObject({ event: status, data: { id, status } });
    // An index that was promised, but never made, is a place to go on from all the same.
    expect((await (await listen(service, path, 4)).rest()).at(-1)?.event).toBe(status);
  });

  it('ends with the video: by "deleted" where it is removed, silently where it expires', async () => {
    const removed = await video(5);
    const listener = await listen(removed.service, removed.path);
    await listener.next();
    await listener.next();
    await removed.service.jobs.remove(removed.id);
    expect(await listener.rest()).toEqual([
      { event: 'deleted', data: { id: removed.id, object: 'video.deleted', deleted: true } },
    ]);
    const expired = await video(5);
    const other = await listen(expired.service, expired.path);
    await other.next();
    await other.next();
    expired.service.jobs.expire(expired.id);
    expect(await other.rest()).toEqual([]);
  });

  it('survives a job that is restarted while it is asked, and breaks off where it stays away', async () => {
    vi.useFakeTimers();
    const { service, id, path } = await video(2);
    service.jobs.commit(id, pngs(2), 'completed');
    const news = vi.spyOn(service.jobs, 'news');
    for (let time = 0; time < 3; time++) news.mockRejectedValueOnce(new Error('the object was reset'));
    const events = (await listen(service, path)).rest();
    await vi.runAllTimersAsync();
    expect(frameIndices(await events)).toEqual([0, 1]);

    news.mockRejectedValue(new Error('the object was reset'));
    const broken = expect((await listen(service, path)).rest()).rejects.toThrow('reset');
    await vi.runAllTimersAsync();
    await broken;
    expect(news).toHaveBeenCalledTimes(3 + 1 + 1 + limits.newsRetries);
    const { requestId } = service.log.at(-2) ?? {};
    expect(service.log.filter(({ level }) => level === 'error')).toMatchObject([
      { event: 'answer broken off', requestId, error: 'Error: the object was reset' },
    ]);
  });

  it('ends after a bounded number of calls, from where the listener goes on', async () => {
    const { service, id, path } = await video(10);
    service.jobs.commit(id, pngs(2), 'in_progress');
    const listener = await listen(service, path);
    for (let event = 0; event < 4; event++) await listener.next();
    const job = await service.jobs.find(id);
    if (job === null) throw new Error('no job');
    vi.spyOn(service.jobs, 'news').mockImplementation(async () => ({ job, frames: [] }));
    const rest = await listener.rest();
    expect(rest.length).toBe(limits.newsPerStream - 1);
    expect(new Set(rest.map(({ comment }) => comment))).toEqual(new Set(['nothing new']));
  });

  it('stops asking the job when its listener has left', async () => {
    const { service, id, path } = await video(100);
    const listener = await listen(service, path);
    await listener.next();
    await listener.next();
    await listener.leave();
    const calls = service.jobs.newsCalls;
    service.jobs.commit(id, pngs(50), 'in_progress');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(service.jobs.newsCalls).toBe(calls);
  });

  it('refuses a Last-Event-ID that names no frame, and queries that it does not know', async () => {
    const { service, path } = await video(12);
    for (const lastId of ['12', '-1', '1.5', 'x', '1e3', '99999999999999999999']) {
      const byHeader = service.request(path, { headers: { 'last-event-id': lastId } });
      expect(await refusal(byHeader)).toEqual([400, 'last_event_id', 'last_event_id']);
      const byQuery = service.request(`${path}?last_event_id=${lastId}`);
      expect(await refusal(byQuery)).toEqual([400, 'last_event_id', 'last_event_id']);
    }
    expect(await refusal(service.request(`${path}?last_event_id=`))).toEqual([
      400,
      'last_event_id',
      'last_event_id',
    ]);
    expect(await refusal(service.request(`${path}?images=gif`))).toEqual([422, 'out_of_range', 'images']);
    expect(await refusal(service.request(`${path}?from=3`))).toEqual([422, 'unknown_field', 'from']);
  });
});
