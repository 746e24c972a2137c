import type { Context } from 'hono';
import { limits } from '../contract/config.ts';
import { Failure } from '../contract/failure.ts';
import type { ModelCard } from '../contract/job.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Route } from './route.ts';
import type { ServiceEnvironment } from './services.ts';

export const modelRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/models', handle: listModels },
  { method: 'GET', path: '/v1/models/:id', handle: retrieveModel },
];

async function listModels(context: Context<ServiceEnvironment>): Promise<Response> {
  const { models } = context.env;
  const manifests = await Promise.all(models.names.map((name) => models.manifest(name)));
  return context.json({
    object: 'list',
    data: manifests.filter((manifest) => manifest !== null).map(modelJson),
  });
}

async function retrieveModel(context: Context<ServiceEnvironment>): Promise<Response> {
  const { models } = context.env;
  const name = context.req.param('id') ?? '';
  const manifest = await models.manifest(name);
  if (manifest !== null) return context.json(modelJson(manifest));
  throw new Failure('model_not_found', `There is no model "${name}"; there are ${models.names.join(', ')}.`);
}

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
  };
}
