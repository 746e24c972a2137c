import { expect, it } from 'vitest';
import { progressLine } from '../../src/command/progress-bar.ts';

it('shows how far it is, how fast, and how long it takes from here', () => {
  const line = progressLine({ done: 12, total: 48, rate: 8.04 });
  expect(line).toBe(`${'█'.repeat(8)}${'░'.repeat(22)} 12/48 frames, 8.0 frames/s, 5 s left`);
});

it('promises nothing before it knows a rate', () => {
  expect(progressLine({ done: 0, total: 48, rate: 0 })).toBe(`${'░'.repeat(30)} 0/48 frames, starting`);
});
