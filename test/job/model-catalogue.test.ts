import { expect, it, vi } from 'vitest';
import { modelCatalogue } from '../../src/job/model-catalogue.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { FakeBackend } from '../worker/fake-backend.ts';

it('serves a model by the name of its folder', async () => {
  const models = modelCatalogue(new FakeBackend(), ['sample'], 'sample');
  expect(await models.manifest('sample')).toBe(sampleManifest);
  expect(await models.manifest('other')).toBeNull();
});

it('does not serve a manifest of another name than its folder, and tells the operator', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const models = modelCatalogue(new FakeBackend(), ['renamed'], 'renamed');
  expect(await models.manifest('renamed')).toBeNull();
  expect(log.mock.lastCall?.join(' ')).toBe(
    'model renamed is not served: manifest.json: its name is "sample", but its folder is "renamed"',
  );
  log.mockRestore();
});
