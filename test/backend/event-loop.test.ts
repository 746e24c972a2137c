import { describe, expect, it } from 'vitest';
import { EventLoop } from '../../src/backend/event-loop.ts';

/** An event loop whose turns are counted, and in whose turns something may happen. */
function countedLoop() {
  const clock = { now: 0 };
  let turns = 0;
  let onTurn = (_turn: number) => {};
  const loop = new EventLoop(
    async () => onTurn(++turns),
    () => clock.now,
  );
  const turnsOfPause = async (during: typeof onTurn = () => {}) => {
    [turns, onTurn] = [0, during];
    await loop.pause();
    return turns;
  };
  return { loop, clock, turnsOfPause };
}

describe('the event loop between two passes', () => {
  it('has one turn where nobody asks for anything', async () => {
    const { turnsOfPause } = countedLoop();
    expect([await turnsOfPause(), await turnsOfPause()]).toEqual([1, 1]);
  });

  it('has as many more as an answer takes where a request comes', async () => {
    const { loop, turnsOfPause } = countedLoop();
    const asked = await turnsOfPause((turn) => turn === 1 && loop.asked());
    expect(asked).toBe(7);
  });

  it('lets the next request in at once for a second, and then forgets who asked', async () => {
    const { loop, clock, turnsOfPause } = countedLoop();
    await turnsOfPause((turn) => turn === 1 && loop.asked());
    clock.now = 999;
    expect(await turnsOfPause()).toBe(3);
    clock.now = 1000;
    expect(await turnsOfPause()).toBe(1);
  });

  it('goes on with the computation under requests without end', async () => {
    const { loop, turnsOfPause } = countedLoop();
    expect(await turnsOfPause(() => loop.asked())).toBe(14);
  });
});
