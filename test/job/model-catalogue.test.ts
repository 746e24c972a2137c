import { expect, it } from 'vitest';
import { modelCatalogue } from '../../src/job/model-catalogue.ts';
import { sampleManifest } from '../contract/sample-manifest.ts';
import { FakeBackend } from '../worker/fake-backend.ts';

const unused = () => {
  throw new Error('there is nothing to write');
};

it('serves a model by the name of its folder', async () => {
  const models = modelCatalogue(new FakeBackend(), ['sample'], 'sample', unused);
  expect(await models.manifest('sample')).toBe(sampleManifest);
  expect(await models.manifest('other')).toBeNull();
});

it('does not serve a manifest of another name than its folder, and tells the operator', async () => {
  const log: object[] = [];
  const models = modelCatalogue(new FakeBackend(), ['renamed'], 'renamed', (line) => log.push(line));
  expect(await models.manifest('renamed')).toBeNull();
  const error = 'manifest.json: its name is "sample", but its folder is "renamed"';
  expect(log).toEqual([{ level: 'error', event: 'model not served', model: 'renamed', error }]);
});
