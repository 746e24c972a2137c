import type { z } from 'zod';
import { limits } from '../contract/config.ts';
import { type FailureCode, failures } from '../contract/failure.ts';
import { ErrorBody } from '../contract/job.ts';
import { videoEventData } from '../contract/video-event.ts';
import { curlCommand } from './code-sample.ts';
import { type JsonSchema, SchemaComponents } from './openapi-schemas.ts';
import { chapters, type Example, type Route } from './route.ts';
import { tokenParameter } from './signed-link.ts';

/** What of an OpenAPI document its readers here need to know. */
export interface ApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: JsonSchema;
  };
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: JsonSchema;
  };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly [field: string]: unknown;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly { readonly key?: readonly string[]; readonly link?: readonly string[] }[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: OperationAnswer['content'] };
  /** As reference pages know it. */
  readonly 'x-codeSamples': readonly {
    readonly lang: string;
    readonly label: string;
    readonly source: string;
  }[];
  readonly responses: Readonly<Record<string, OperationAnswer>>;
}

export interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required: boolean;
  readonly description?: string | undefined;
  readonly schema: JsonSchema;
}

export interface OperationAnswer {
  readonly description: string;
  readonly content: Readonly<Record<string, MediaContent>>;
}

interface MediaContent {
  readonly schema?: JsonSchema;
  readonly examples?: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;
}

const kibibyte = 1024;

const description = `Videos from a first frame, made frame by frame. \`POST /v1/videos\` answers with a job; \
\`GET /v1/videos/{id}/events\` follows it, \`GET /v1/videos/{id}/content\` downloads what there is of it.

The shape is that of the \`/v1/videos\` API of OpenAI, so that its client packages work with another base URL.

Every refusal is \`{"error": {"message", "type", "code", "param"}}\`: the message says what was wrong, what is allowed \
and the way out; \`code\` is one of those that each call lists.

A URL has at most ${limits.urlBytes / kibibyte} KiB, all headers ${limits.headerBytes / kibibyte} KiB, a body \
${limits.bodyBytes / kibibyte ** 2} MiB, an image ${limits.imagePixels / 1e6} million pixels, a video \
${limits.framesPerJob.toLocaleString('en')} frames. Times are Unix seconds.`;

/** OpenAPI 3.1 of a table of routes: its schemas are those that check requests and give answers their types. */
export function apiDocument(routes: readonly Route[]): ApiDocument {
  const components = new SchemaComponents();
  const errorSchema = components.described(ErrorBody, 'output');
  for (const schema of Object.values(videoEventData)) components.described(schema, 'output');
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operation(route, components, errorSchema),
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'MAGI',
      version: '1.0.0',
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(chapters).map(([name, text]) => ({ name, description: text })),
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key.' },
        link: {
          type: 'apiKey',
          in: 'query',
          name: tokenParameter,
          description: 'Of a signed link, as answers have them: opens one video, for reading, for a day.',
        },
      },
    },
  };
}

function operation(route: Route, components: SchemaComponents, errorSchema: JsonSchema): Operation {
  const parameters = [
    ...Object.entries(route.parameters ?? {}).map(([name, text]) => pathParameter(route, name, text)),
    ...fields(route.query, components).map((field) => ({ in: 'query', ...field })),
    ...fields(route.headers, components).map((field) => ({ in: 'header', ...field })),
  ];
  return {
    operationId: route.name,
    tags: [route.chapter],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: security(route),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, components) }),
    responses: { 200: answer(route, components), ...refusals(route, errorSchema) },
    'x-codeSamples': (route.examples ?? []).map((example) => ({
      lang: 'Shell',
      label: example.summary,
      source: curlCommand(route, example),
    })),
  };
}

function security({ scope, takesLink, takesPayment }: Route): Operation['security'] {
  if (scope === null) return [];
  // OpenAPI has no word for payments: whoever pays needs no key.
  if (takesPayment) return [{ key: [scope] }, {}];
  return takesLink ? [{ key: [scope] }, { link: [] }] : [{ key: [scope] }];
}

function pathParameter({ path }: Route, name: string, text: string): Parameter {
  const isNumber = path.includes(`{${name}}.`);
  return {
    in: 'path',
    name,
    required: true,
    description: text,
    schema: isNumber ? { type: 'integer', minimum: 0 } : { type: 'string' },
  };
}

/** Every field of a query or of headers as a parameter. */
function fields(schema: z.ZodType | undefined, components: SchemaComponents): Omit<Parameter, 'in'>[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = components.described(schema, 'input') as {
    properties?: Record<string, JsonSchema & { description?: string }>;
    required?: string[];
  };
  const defaults = (schema.safeParse({}).data ?? {}) as Record<string, unknown>;
  return Object.entries(properties).map(([name, { description: text, ...rest }]) => ({
    name,
    required: required.includes(name),
    description: text,
    schema: defaults[name] === undefined ? rest : { ...rest, default: defaults[name] },
  }));
}

function requestBody({ body, examples = [] }: Route, components: SchemaComponents) {
  if (body === undefined) throw new Error('the route has no body');
  const { json, form } = components.body(body.schema);
  const sent = named(examples, ({ body: value }) => value);
  return {
    required: body.isOptional !== true,
    content: { 'application/json': { schema: json, ...sent }, 'multipart/form-data': { schema: form } },
  };
}

function answer(
  { answer: { description: text, content }, examples = [] }: Route,
  components: SchemaComponents,
) {
  const answered = named(examples, ({ answer: value }) => value);
  const media = Object.entries(content).map(([type, schema]) => [
    type,
    schema === null ? {} : { schema: components.described(schema, 'output'), ...answered },
  ]);
  return { description: text, content: Object.fromEntries(media) };
}

function named(
  examples: readonly Example[],
  partOf: (example: Example) => unknown,
): Pick<MediaContent, 'examples'> {
  const shown = examples.filter((example) => partOf(example) !== undefined);
  if (shown.length === 0) return {};
  const entries = shown.map((example) => [
    example.summary.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    { summary: example.summary, value: partOf(example) },
  ]);
  return { examples: Object.fromEntries(entries) };
}

const ofEveryRoute: readonly FailureCode[] = ['host_invalid', 'uri_too_long', 'headers_too_large'];

const ofKeys: readonly FailureCode[] = [
  'key_in_query',
  'auth_missing',
  'auth_scheme',
  'key_invalid',
  'scope_denied',
  'rate_limited',
];

const ofLinks: readonly FailureCode[] = ['link_invalid', 'link_expired'];

const ofFields: readonly FailureCode[] = [
  'unknown_field',
  'field_required',
  'type_mismatch',
  'out_of_range',
  'fields_conflict',
];

const ofBodies: readonly FailureCode[] = [
  'media_type',
  'content_encoding',
  'body_empty',
  'json_invalid',
  'json_too_deep',
  'form_invalid',
  'body_too_large',
  'body_incomplete',
  'request_timeout',
];

/** Every code that a route can refuse with. */
function failureCodes({ scope, takesLink, query, body, failures: own }: Route): FailureCode[] {
  const isRead = query !== undefined || body !== undefined;
  return [
    ...new Set([
      ...ofEveryRoute,
      ...(scope === null ? [] : ofKeys),
      ...(takesLink ? ofLinks : []),
      ...(isRead ? ofFields : []),
      ...(body === undefined ? [] : ofBodies),
      ...own,
    ]),
  ];
}

/** The refusals of a route by status, each with exactly its codes. */
function refusals(route: Route, errorSchema: JsonSchema): Record<string, OperationAnswer> {
  const byStatus = Object.groupBy(failureCodes(route), (code) => failures[code].status);
  const refused = Object.entries(byStatus).map(([status, codes = []]) => [
    status,
    refusal(
      codes.map((code) => [code, failures[code].when]),
      errorSchema,
    ),
  ]);
  const fault = refusal([['internal_error', 'The fault is ours; try again.']], errorSchema);
  return { ...Object.fromEntries(refused), 500: fault };
}

function refusal(codes: [code: string, when: string][], errorSchema: JsonSchema): OperationAnswer {
  const code = { enum: codes.map(([name]) => name) };
  const schema = { allOf: [errorSchema, { properties: { error: { properties: { code } } } }] };
  return {
    description: codes.map(([name, when]) => `\`${name}\`: ${when}`).join('\n\n'),
    content: { 'application/json': { schema } },
  };
}
