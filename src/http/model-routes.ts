import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import { ModelCard, ModelList } from '../contract/job.ts';
import type { Manifest } from '../contract/manifest.ts';
import { examples } from './examples.ts';
import { type Route, route } from './route.ts';
import { firstFrameJson } from './video-json.ts';

export const modelRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/models',
    name: 'listModels',
    chapter: 'Models',
    summary: 'Lists the models',
    scope: 'read',
    answer: { description: 'All models that are served.', content: { 'application/json': ModelList } },
    failures: [],
    examples: examples.listModels,
    handle: async ({ env: { models } }) => {
      const manifests = await Promise.all(models.names.map((name) => models.manifest(name)));
      const data = manifests.filter((manifest) => manifest !== null).map(modelJson);
      return Response.json({ object: 'list', data } satisfies ModelList);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/models/{id}',
    name: 'retrieveModel',
    chapter: 'Models',
    summary: 'Shows a model',
    description: 'What its manifest says: the labels it knows, the size it makes, defaults and limits.',
    scope: 'read',
    parameters: { id: 'Name of a model.' },
    answer: { description: 'The model.', content: { 'application/json': ModelCard } },
    failures: ['model_not_found'],
    examples: examples.retrieveModel,
    handle: async ({ env: { models } }, { path: { id } }) => {
      const manifest = await models.manifest(id);
      if (manifest !== null) return Response.json(modelJson(manifest));
      throw new Failure(
        'model_not_found',
        `There is no model "${id}"; there are ${models.names.join(', ')}.`,
      );
    },
  }),
];

/** What a caller needs of a manifest to write a request. */
function modelJson(manifest: Manifest): ModelCard {
  const { frame, interval, defaults, tokenizer } = manifest;
  return {
    id: manifest.name,
    object: 'model',
    description: manifest.description,
    licence: manifest.licence,
    precision: manifest.precision,
    size: `${frame.width}x${frame.height}`,
    channels: frame.channels,
    frames_per_second: frame.perSecond,
    labels: manifest.labels,
    frames: { default: defaults.frames, maximum: limits.framesPerJob },
    interval,
    decode_steps: { default: defaults.decodeSteps, maximum: tokenizer.tokens },
    head_steps: { default: defaults.headSteps, maximum: manifest.limits.headSteps },
    temperature: { default: defaults.temperature, maximum: limits.temperature },
    first_frame: firstFrameJson(defaults.firstFrame ?? defaults),
  };
}
