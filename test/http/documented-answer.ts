import { Ajv2020 } from 'ajv/dist/2020.js';
import { apiDocument as documentOf, type Operation } from '../../src/http/openapi.ts';
import { routes } from '../../src/http/route-table.ts';

/** The OpenAPI document of all that is served. */
export const apiDocument = documentOf(routes);

const documentId = 'https://magi.invalid/openapi.json';

// Numbers such as int32 are no assertions, and keywords of OpenAPI are none of JSON Schema.
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ ...apiDocument, $id: documentId });

/** A request's answer, with its whole body. */
export interface GivenAnswer {
  readonly method: string;
  /** Of the request's URL. */
  readonly pathname: string;
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
}

/** What of an answer the document does not allow; empty where all is as described. */
export function undocumented({ method, pathname, status, contentType, text }: GivenAnswer): string[] {
  const found = operationAt(method, pathname);
  const mediaType = contentType?.split(';')[0]?.trim() ?? '';
  if (found === null) return method === 'HEAD' ? [] : outsideOfRoutes(status, text);
  const { pointer, operation } = found;
  const answer = operation.responses[status];
  if (answer === undefined)
    return [`${operation.operationId} describes no answer ${status}: ${text.slice(0, 200)}`];
  const content = answer.content[mediaType];
  if (content === undefined) return [`${operation.operationId} describes no "${mediaType}" for ${status}`];
  // The answer to HEAD has no body.
  if (content.schema === undefined || method === 'HEAD') return [];
  return problems(`${pointer}/responses/${status}/content/${escaped(mediaType)}/schema`, text);
}

function outsideOfRoutes(status: number, text: string): string[] {
  // What a browser asks before it calls from a page of another origin.
  if (status === 204 && text === '') return [];
  const { code } = (JSON.parse(text) as { error: { code: string } }).error;
  const isRight =
    `${status} ${code}` === '404 route_not_found' || `${status} ${code}` === '405 method_not_allowed';
  return isRight ? problems('/components/schemas/Error', text) : [`no route, but ${status} ${code}`];
}

function problems(pointer: string, text: string): string[] {
  const validate = ajv.getSchema(`${documentId}#${pointer}`);
  if (validate === undefined) throw new Error(`the document has nothing at ${pointer}`);
  if (validate(JSON.parse(text)) === true) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

interface Found {
  /** JSON pointer of the operation. */
  readonly pointer: string;
  readonly operation: Operation;
}

const patterns = Object.keys(apiDocument.paths)
  // Paths without parameters come first, as OpenAPI has it.
  .toSorted((a, b) => a.split('{').length - b.split('{').length)
  .map((path) => ({ path, pattern: pathPattern(path) }));

function operationAt(method: string, pathname: string): Found | null {
  const verb = (method === 'HEAD' ? 'GET' : method).toLowerCase();
  for (const { path, pattern } of patterns) {
    const operation = apiDocument.paths[path]?.[verb];
    if (operation !== undefined && pattern.test(pathname)) {
      return { pointer: `/paths/${escaped(path)}/${verb}`, operation };
    }
  }
  return null;
}

function pathPattern(path: string): RegExp {
  const source = path
    .replaceAll('.', '\\.')
    .replaceAll(/\{\w+\}(\\\.)?/g, (_, dot) => (dot ? '[0-9]+\\.' : '[^/]+'));
  return new RegExp(`^${source}$`);
}

/** A part of a JSON pointer in a URI's fragment. */
function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
