import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { directoryFiles } from '../../src/backend/directory-files.ts';
import { type ModelFiles, readManifest } from '../../src/backend/model-files.ts';
import { loadGraphs } from '../../src/backend/model-loading.ts';
import { compileRuntime } from '../../src/backend/node-backend.ts';

const NANO = directoryFiles('models/nano');

/** nano with some files replaced; undefined = missing. */
function nanoWith(replaced: Record<string, Uint8Array | undefined>): ModelFiles {
  return { read: async (name) => (name in replaced ? replaced[name] : NANO.read(name)) };
}

const bytesOf = (name: string) => new Uint8Array(readFileSync(`models/nano/${name}`));

/** Loads, and tells of every session that was about to be made. */
async function load(files: ModelFiles, steps: string[] = []) {
  const manifest = await readManifest(files);
  return await loadGraphs(files, manifest, await compileRuntime(), () => steps.push('session'));
}

test('a missing shard is named, and no session is made of its graph', async () => {
  const steps: string[] = [];
  await expect(load(nanoWith({ 'backbone-0.bin': undefined }), steps)).rejects.toThrow(
    'backbone-0.bin: missing',
  );
  expect(steps).toEqual(['session']); // of the past's graph, which needs no shard
});

test('a truncated shard is named with both sizes', async () => {
  const shard = bytesOf('backbone-0.bin');
  const files = nanoWith({ 'backbone-0.bin': shard.subarray(0, -1) });
  await expect(load(files)).rejects.toThrow(
    `backbone-0.bin: has ${shard.length - 1} bytes, the manifest says ${shard.length}`,
  );
});

test.each(['backbone-0.bin', 'head-0.bin', 'backbone.onnx', 'normal.bin'])(
  'one flipped bit in %s is caught',
  async (name) => {
    const bytes = bytesOf(name);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    await expect(load(nanoWith({ [name]: bytes }))).rejects.toMatchObject({
      name: 'ModelFileError',
      file: name,
    });
  },
);

test('a missing encoder is named when a first frame is to be encoded', async () => {
  const graphs = await load(nanoWith({ 'encoder.onnx': undefined }));
  await expect(graphs.encode(new Float32Array(3 * 32 * 32), null)).rejects.toThrow('encoder.onnx: missing');
});

test('swapped files are caught', async () => {
  const files = nanoWith({
    'backbone-0.bin': bytesOf('head-0.bin'),
    'head-0.bin': bytesOf('backbone-0.bin'),
  });
  await expect(load(files)).rejects.toMatchObject({ name: 'ModelFileError', file: 'backbone-0.bin' });
});

test('an unknown model has no manifest', async () => {
  await expect(readManifest(directoryFiles('models/none'))).rejects.toThrow('manifest.json: missing');
});

test('a manifest that is no JSON is refused', async () => {
  const files = nanoWith({ 'manifest.json': new TextEncoder().encode('{') });
  await expect(readManifest(files)).rejects.toThrow('manifest.json: no JSON');
});

test('a manifest that lists no checksum for a shard is refused, naming the shard', async () => {
  const manifest = JSON.parse(new TextDecoder().decode(bytesOf('manifest.json')));
  delete manifest.files['backbone-0.bin'];
  const files = nanoWith({ 'manifest.json': new TextEncoder().encode(JSON.stringify(manifest)) });
  await expect(readManifest(files)).rejects.toThrow('files lacks backbone-0.bin');
});

test('a manifest of another format is refused, naming the key', async () => {
  const manifest = { ...JSON.parse(new TextDecoder().decode(bytesOf('manifest.json'))), format: 2 };
  const files = nanoWith({ 'manifest.json': new TextEncoder().encode(JSON.stringify(manifest)) });
  await expect(readManifest(files)).rejects.toThrow('format:');
});
