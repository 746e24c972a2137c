import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { decodeOwnPng } from '../../src/media/png.ts';
import { readGif } from '../media/gif-reader.ts';

const run = promisify(execFile);

function command(...args: string[]) {
  return run(process.execPath, ['src/cli.ts', ...args], { timeout: 60_000 });
}

it('the demo asks a Worker of its own for a video, writes it, says where, and ends', async () => {
  const out = await mkdtemp(join(tmpdir(), 'magi-demo-test-'));
  try {
    const { stdout } = await command('demo', '--model', 'nano', '--frames', '5', '--seed', '2', '--out', out);
    expect(stdout).toContain('5/5 frames');
    expect(stdout).toContain('demo.gif');
    const gif = readGif(await readFile(join(out, 'demo.gif')));
    expect([gif.width, gif.height, gif.frames.length]).toEqual([256, 256, 5]);
    const sheet = decodeOwnPng(await readFile(join(out, 'demo-frames.png')));
    expect([sheet.width, sheet.height]).toEqual([5 * 128, 128]);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
});

it('every command explains itself', async () => {
  for (const name of ['demo', 'start']) expect((await command(name, '--help')).stdout).toContain('--help');
});

it('a taken port ends npm start with a message', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const failed = await command('start', '--port', String(port)).catch(
    (error: { code: number; stderr: string }) => error,
  );
  server.close();
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toContain('address already in use');
});

it('a request that the service refuses ends with its message and no stack trace', async () => {
  const failed = await command('demo', '--model', 'none').catch(
    (error: { code: number; stderr: string }) => error,
  );
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toContain('There is no model "none"');
  expect(failed.stderr).not.toContain('    at ');
});
