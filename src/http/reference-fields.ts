import { html } from 'hono/html';
import type { JsonSchema } from './openapi-schemas.ts';
import { type Html, prose } from './reference-prose.ts';

/** A field or a parameter, as the reference lists it. */
export interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly description?: string | undefined;
  readonly schema: JsonSchema;
}

export function fieldsOf({ properties = {}, required = [] }: JsonSchema): Field[] {
  const wanted = required as readonly string[];
  return Object.entries(properties as Record<string, JsonSchema>).map(([name, schema]) => ({
    name,
    required: wanted.includes(name),
    description: schema.description as string | undefined,
    schema,
  }));
}

/** @param marksRequired in an answer every field is there */
export function fieldList(fields: readonly Field[], marksRequired: boolean): Html {
  return html`<dl>${fields.map(
    ({ name, required, description, schema }) => html`<div>
      <dt><b>${name}</b><span class="type">${typeText(schema)}</span>${
        marksRequired && required ? html`<span class="must">required</span>` : ''
      }</dt>
      <dd>${description === undefined ? '' : prose(description)}</dd>
    </div>`,
  )}</dl>`;
}

/** Type and bounds in words; other objects are links. */
export function typeText(schema: JsonSchema): Html {
  return html`${kind(schema)}${bounds(schema)}`;
}

function kind(schema: JsonSchema): Html | string {
  const { $ref, anyOf, enum: choices, const: only, type, items, contentMediaType } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    return html`<a href="#${name}">${name}</a>`;
  }
  if (Array.isArray(anyOf)) return joined(anyOf.map((choice: JsonSchema) => typeText(choice)));
  if (Array.isArray(choices)) return joined(choices.map((choice) => html`"${String(choice)}"`));
  if (only !== undefined) return JSON.stringify(only);
  if (contentMediaType !== undefined) return 'file';
  if (type === 'array') return html`list of ${typeText(items as JsonSchema)}`;
  if (type === 'object') return objectText(schema);
  return String(type ?? 'any');
}

function objectText({ properties }: JsonSchema): string {
  const names = Object.keys((properties as Record<string, JsonSchema> | undefined) ?? {});
  return names.length === 0 ? 'object of texts' : `{${names.join(', ')}}`;
}

function joined(parts: readonly Html[]): Html {
  return html`${parts.map((part, index) => html`${index === 0 ? '' : ' or '}${part}`)}`;
}

function bounds(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, maxItems, maxProperties, default: byDefault } = schema;
  const most = maxItems ?? maxProperties;
  const isOpen = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER;
  const parts = [
    minimum !== undefined &&
      (isOpen ? `at least ${count(minimum)}` : `${count(minimum)} to ${count(maximum)}`),
    exclusiveMinimum !== undefined && `above ${count(exclusiveMinimum)}`,
    most !== undefined && `at most ${count(most)}`,
    byDefault !== undefined && `default ${JSON.stringify(byDefault)}`,
  ];
  return parts
    .filter((part) => part !== false)
    .map((part) => `, ${part}`)
    .join('');
}

function count(number: unknown): string {
  return Number(number).toLocaleString('en');
}
