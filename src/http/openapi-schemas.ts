import { z } from 'zod';

/** A JSON Schema of draft 2020-12, which is what OpenAPI 3.1 speaks. */
export type JsonSchema = { readonly [keyword: string]: unknown };

type Defined = z.core.JSONSchema.BaseSchema;

/** Schemas that have a name (`meta({ id })`) stand once in the document, among its components. */
export class SchemaComponents {
  readonly schemas: Record<string, JsonSchema> = {};

  /** What comes in is described before defaults and conversions, what goes out after them. */
  described(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema, $defs = {}, ...root } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override });
    for (const [name, definition] of Object.entries($defs)) this.schemas[name] = referring(definition);
    return referring(root);
  }

  /** The body of a request as JSON, and as a form, where alone a file can be. */
  body(schema: z.ZodType): { json: JsonSchema; form: JsonSchema } {
    const form = this.described(schema, 'input');
    const name = String(form.$ref).slice(componentPath.length);
    const whole = this.schemas[name];
    if (whole === undefined) throw new Error('the schema of a body needs a name: meta({ id })');
    const json = withoutFiles(whole) as JsonSchema;
    if (JSON.stringify(json) === JSON.stringify(whole)) return { json: form, form };
    this.schemas[name] = json;
    this.schemas[`${name}Form`] = whole;
    return { json: form, form: { $ref: `${componentPath}${name}Form` } };
  }
}

const componentPath = '#/components/schemas/';

function referring(schema: Defined): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', `"${componentPath}`)) as JsonSchema;
}

/** That whole numbers are exact ones goes without saying. */
function override({ jsonSchema }: { jsonSchema: Defined }): void {
  if (jsonSchema.minimum !== Number.MIN_SAFE_INTEGER) return;
  delete jsonSchema.minimum;
  delete jsonSchema.maximum;
}

/** Drops the choices that are files. */
function withoutFiles(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(item as JsonSchema).contentMediaType).map(withoutFiles);
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutFiles(item)]));
}
