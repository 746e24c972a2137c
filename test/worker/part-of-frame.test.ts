import { expect, it, vi } from 'vitest';
import { FakeIsolate } from './fake-isolate.ts';
import { calmHash, inObject } from './fake-job.ts';

vi.spyOn(console, 'error').mockImplementation(() => undefined);

// Four decode steps and the commit pass: five passes a frame.
const order = { frames: 4, decodeSteps: 4 };
const passesPerFrame = 5;

it('a frame that takes several wakes has the same bytes, whatever a wake holds, evicted at every boundary or not', async () => {
  const expected = await calmHash(order);
  for (const passes of [1, 2, 3, 4]) {
    for (const evicts of [false, true]) {
      await inObject(async (job) => {
        const isolate = new FakeIsolate((passes + 0.1) / passesPerFrame);
        await job.create(isolate, order);
        const wakes = await job.run(isolate, () => evicts && job.evict(isolate));
        expect(wakes).toBe(order.frames * Math.ceil(passesPerFrame / passes));
        expect(isolate.backend.passes).toBe(order.frames * passesPerFrame);
        expect(await job.videoHash()).toBe(expected);
      });
    }
  }
});

it('frame 0 is drawn with steps of its own, whatever a wake holds, and its cost sets how long its wakes are', async () => {
  const drawn = {
    ...order,
    decodeSteps: 1,
    firstFrameSampling: { decodeSteps: 4, headSteps: 5, temperature: 0.5 },
  };
  const expected = await calmHash(drawn);
  expect(expected).not.toBe(await calmHash({ ...order, decodeSteps: 1 }));
  for (const { framesPerWake, wakes } of [
    { framesPerWake: 1.1, wakes: 3 + 3 },
    { framesPerWake: 2.6, wakes: 1 + 2 },
    { framesPerWake: 3.6, wakes: 1 + 1 },
    { framesPerWake: 0.6, wakes: 5 + 2 * 3 },
  ]) {
    await inObject(async (job) => {
      const isolate = new FakeIsolate(framesPerWake);
      await job.create(isolate, drawn);
      expect(await job.run(isolate, () => job.evict(isolate))).toBe(wakes);
      expect(isolate.backend.passes).toBe(5 + 3 * 2);
      expect(await job.videoHash()).toBe(expected);
    });
  }
});

it('however slow the deployment, a wake makes a pass', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(1e-9);
    await job.create(isolate, order);
    expect(await job.run(isolate)).toBe(order.frames * passesPerFrame);
    expect(await job.videoHash()).toBe(await calmHash(order));
  }));

it('a part of a frame is not a frame: readers see none, and nobody pays', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(0.9);
    await job.create(isolate, order);
    await job.wake(isolate);
    expect(job.record).toMatchObject({ status: 'queued', cursor: 0 });
    expect(job.store.partial()).toMatchObject({ index: 0, decodeSteps: 4 });
    expect(job.frames()).toEqual([]);
    expect(job.account.hold(0)).toMatchObject({ captured: 0, isEnded: false });
  }));

it('a part starts the count of attempts anew', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(0.21);
    let tries = 0;
    isolate.backend.faults.beforePass = () => {
      tries += 1;
      if (tries % 5 !== 0) throw new Error('not yet');
    };
    await job.create(isolate, order);
    await job.run(isolate);
    expect(job.record).toMatchObject({ status: 'completed', cursor: 4 });
    expect(tries).toBe(5 * order.frames * passesPerFrame);
    expect(await job.videoHash()).toBe(await calmHash(order));
  }));

it('a pass that cannot be made ends the job after five tries and leaves no part', () =>
  inObject(async (job) => {
    const isolate = new FakeIsolate(0.21);
    isolate.backend.faults.beforePass = () => {
      if (isolate.backend.passes > 7) throw new Error('poisoned');
    };
    await job.create(isolate, order);
    await job.run(isolate);
    expect(job.record).toMatchObject({ status: 'failed', cursor: 1, error: { code: 'generation_failed' } });
    expect(isolate.backend.passes).toBe(7 + 5);
    expect(job.store.partial()).toBeNull();
  }));

it('a frame goes on in whole frames when the deployment has become faster', () =>
  inObject(async (job) => {
    const slow = new FakeIsolate(0.5);
    await job.create(slow, order);
    await job.wake(slow);
    const fast = new FakeIsolate(100);
    await job.run(fast);
    expect(slow.backend.passes + fast.backend.passes).toBe(order.frames * passesPerFrame);
    expect(await job.videoHash()).toBe(await calmHash(order));
  }));
