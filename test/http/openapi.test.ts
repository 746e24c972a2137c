import { describe, expect, it } from 'vitest';
import { limits } from '../../src/contract/config.ts';
import { apiDocument, undocumented } from './documented-answer.ts';
import { TestService } from './test-service.ts';

const operations = Object.entries(apiDocument.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe('the OpenAPI document', () => {
  it('is served to anybody', async () => {
    const answer = await new TestService().request('/openapi.json');
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(apiDocument)));
  });

  it('names every operation once', () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('createVideo');
  });

  it('refers to nothing that it does not define', () => {
    const text = JSON.stringify(apiDocument);
    const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(apiDocument.components.schemas).toHaveProperty(name as string);
    expect(text).not.toContain('$defs');
  });

  it('quotes the limits that requests are checked by', () => {
    const { VideoRequest } = apiDocument.components.schemas;
    expect(VideoRequest).toMatchObject({
      additionalProperties: false,
      properties: {
        frames: { type: 'integer', minimum: 1, maximum: limits.framesPerJob },
        seed: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        labels: { maxItems: limits.scheduleEntries },
        metadata: { maxProperties: limits.metadataEntries },
      },
    });
    const list = apiDocument.paths['/v1/videos']?.get;
    expect(list?.parameters).toContainEqual({
      in: 'query',
      name: 'limit',
      required: false,
      description: 'Videos of one page.',
      schema: { type: 'integer', minimum: 1, maximum: limits.listEntries, default: 20 },
    });
  });

  it('has files in forms alone', () => {
    const { VideoRequest, VideoRequestForm } = apiDocument.components.schemas;
    expect(JSON.stringify(VideoRequestForm)).toContain('contentMediaType');
    expect(JSON.stringify(VideoRequest)).not.toContain('contentMediaType');
  });

  it('says what every field and parameter of a request means', () => {
    const { schemas } = apiDocument.components;
    const requests = Object.entries(schemas).filter(([name]) => name.endsWith('Request'));
    expect(requests.length).toBeGreaterThan(3);
    for (const [name, { properties }] of requests) {
      for (const [field, { description }] of Object.entries(
        properties as Record<string, { description?: string }>,
      ))
        expect(description, `${name}.${field}`).toMatch(/\w/);
    }
    for (const { operation } of operations) {
      for (const { name, description } of operation.parameters ?? [])
        expect(description, `${operation.operationId} ${name}`).toMatch(/\w/);
    }
  });
});

describe('the check of answers by the document', () => {
  const answer = { method: 'GET', pathname: '/v1/models', status: 200, contentType: 'application/json' };

  it('finds a missing field, a field too many, and a wrong type', () => {
    expect(undocumented({ ...answer, text: '{"object":"list","data":[]}' })).toEqual([]);
    for (const text of [
      '{"object":"list"}',
      '{"object":"list","data":[],"more":1}',
      '{"object":"list","data":{}}',
    ])
      expect(undocumented({ ...answer, text })).toHaveLength(1);
  });

  it('finds a status, a media type and a code that are not described', () => {
    expect(undocumented({ ...answer, status: 201, text: '{}' })).toHaveLength(1);
    expect(undocumented({ ...answer, contentType: 'text/html', text: '' })).toHaveLength(1);
    const refused = (code: string) =>
      JSON.stringify({ error: { message: 'no', type: 'invalid_request_error', code, param: null } });
    const unknown = { ...answer, pathname: '/v1/models/x', status: 404 };
    expect(undocumented({ ...unknown, text: refused('model_not_found') })).toEqual([]);
    expect(undocumented({ ...unknown, text: refused('job_not_found') })).toHaveLength(1);
    expect(undocumented({ ...unknown, pathname: '/none', text: refused('job_not_found') })).toHaveLength(1);
  });
});
