import type { Context } from 'hono';
import type { z } from 'zod';
import type { Scope } from '../contract/access.ts';
import type { FailureCode } from '../contract/failure.ts';
import type { VideoStatus } from '../contract/job.ts';
import { parsed } from '../contract/refusal.ts';
import { readBody, readOptionalBody } from './request-body.ts';
import { readQuery } from './request-query.ts';
import type { ServiceEnvironment } from './services.ts';
import { withoutToken } from './signed-link.ts';

type RouteContext = Context<ServiceEnvironment>;

/** What a route answers with when it does what was asked. */
export interface Answer {
  readonly description: string;
  /** Schema by media type; null where it is no JSON. */
  readonly content: Readonly<Record<string, z.ZodType | null>>;
}

/** A request that the tests send, and what comes back. */
export interface Example {
  readonly summary: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Status of the video that the path names; completed by default. */
  readonly before?: VideoStatus;
  /** Absent where the answer is no JSON. */
  readonly answer?: unknown;
}

/** Chapters of the reference, in order. */
export const chapters = {
  Videos: 'Jobs: one is one video.',
  Frames: 'What a video is made of, as it comes.',
  Control: 'Stopping for a while, going on, ending.',
  'Going on': 'More frames from where a video stands.',
  Webhooks: 'Who is told when a video ends.',
  Credits: 'What it costs, and what is there to pay it.',
  Models: 'What can be asked for.',
  Keys: 'Who may ask.',
  Reference: 'This description.',
} as const;

/** Everything about a route that its callers have to know; the OpenAPI document is made from nothing else. */
interface RouteDescription {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As OpenAPI writes it, `{name}` for a parameter. One with an extension, as in `{n}.png`, is a number. */
  readonly path: string;
  /** What clients call it; unique. */
  readonly name: string;
  /** Chapter of the reference. */
  readonly chapter: keyof typeof chapters;
  readonly summary: string;
  /** More, as Markdown. */
  readonly description?: string;
  /** What a key must be allowed to do; null where no key is asked for. */
  readonly scope: Scope | null;
  /** True where a signed link to the video in the path opens it without a key. */
  readonly takesLink?: true;
  /** True where whoever lacks the key or its scope may pay instead, if the service sells credits. */
  readonly takesPayment?: true;
  /** What each parameter of the path means. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: z.ZodType;
  readonly headers?: z.ZodType;
  readonly body?: RequestBody<z.ZodType>;
  readonly answer: Answer;
  /** Besides those that follow from what the route reads. */
  readonly failures: readonly FailureCode[];
  readonly examples?: readonly Example[];
}

interface RequestBody<Schema> {
  readonly schema: Schema;
  /** True where no body at all is an object without fields. */
  readonly isOptional?: boolean;
}

/** One row of the table of routes. */
export interface Route extends RouteDescription {
  readonly handle: (context: RouteContext) => Promise<Response>;
}

type ParameterName<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterName<Rest>
  : never;

/** A request after its checks. */
interface Input<Name extends string, Query, Headers, Body> {
  readonly path: Readonly<Record<Name, string>>;
  readonly query: Query;
  readonly headers: Headers;
  readonly body: Body;
}

/** A row as it is written: what it declares is what its handler gets. */
interface RouteRow<Path extends string, Query, Headers, Body> extends RouteDescription {
  readonly path: Path;
  readonly parameters?: Readonly<Record<ParameterName<Path>, string>>;
  readonly query?: z.ZodType<Query>;
  readonly headers?: z.ZodType<Headers>;
  readonly body?: RequestBody<z.ZodType<Body>>;
  readonly handle: (
    context: RouteContext,
    input: Input<ParameterName<Path>, Query, Headers, Body>,
  ) => Promise<Response>;
}

/** Parameters have to be described where there are any. */
type Described<Path extends string> =
  ParameterName<Path> extends never
    ? unknown
    : { readonly parameters: Readonly<Record<ParameterName<Path>, string>> };

/**
 * A row of the table of routes. Its query, headers and body are checked by the schemas that describe them, in this
 * order, before the handler is called.
 */
export function route<const Path extends string, Query, Headers, Body>(
  row: RouteRow<Path, Query, Headers, Body> & Described<Path>,
): Route {
  const { query, headers, body, handle } = row;
  return {
    ...row,
    handle: async (context) => {
      const { req } = context;
      const input = {
        path: req.param() as Record<ParameterName<Path>, string>,
        query: query === undefined ? undefined : parsed(query, queryOf(context, row)),
        headers: headers === undefined ? undefined : parsed(headers, req.header()),
        body: body === undefined ? undefined : parsed(body.schema, await bodyOf(context, body)),
      };
      return handle(context, input as Input<ParameterName<Path>, Query, Headers, Body>);
    },
  };
}

function queryOf(
  context: RouteContext,
  { takesLink }: Pick<RouteDescription, 'takesLink'>,
): Record<string, string> {
  const query = readQuery(context);
  return takesLink ? withoutToken(query) : query;
}

function bodyOf({ req, env }: RouteContext, body: RequestBody<z.ZodType>): Promise<unknown> {
  const { schema, isOptional = false } = body;
  return (isOptional ? readOptionalBody : readBody)(req.raw, schema, env.bodySeconds);
}

/** `/v1/videos/{id}/frames/{n}.png` as the router writes it; the parameter `n` is then the number alone. */
export function routerPath(path: string): string {
  return path
    .split('/')
    .map((segment) => {
      const [, name, extension] = /^\{(\w+)\}(?:\.(\w+))?$/.exec(segment) ?? [];
      if (name === undefined) return segment;
      return extension === undefined ? `:${name}` : `:${name}{[0-9]+\\.${extension}}`;
    })
    .join('/');
}
