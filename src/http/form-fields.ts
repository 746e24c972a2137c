import { z } from 'zod';

/** What a form has to carry as text: a number, or a list or an object as JSON. */
export type FieldKind = 'number' | 'json';
type JsonSchema = z.core.JSONSchema.BaseSchema;
type FieldKinds = Readonly<Record<string, FieldKind | undefined>>;

const knownKinds = new WeakMap<z.ZodType, FieldKinds>();

/** What the texts of a form stand for, by the fields of the schema that its values must meet. */
export function fieldKinds(schema: z.ZodType): FieldKinds {
  const known = knownKinds.get(schema);
  if (known !== undefined) return known;
  const { $defs = {}, ...root } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  // Schemas with a name are told apart from where they are used.
  const whole = ({ $ref = '', ...inline }: JsonSchema) => $defs[$ref.replace('#/$defs/', '')] ?? inline;
  const typesOf = (value: JsonSchema | boolean): string[] => {
    if (typeof value === 'boolean') return [];
    const { type = [], anyOf = [] } = whole(value);
    return [type, anyOf.flatMap(typesOf)].flat();
  };
  const fields = Object.entries(whole(root).properties ?? {});
  const kinds = Object.fromEntries(fields.map(([field, value]) => [field, kindOf(typesOf(value))]));
  const own: FieldKinds = Object.assign(Object.create(null), kinds);
  knownKinds.set(schema, own);
  return own;
}

/** @param types all that a field may be */
function kindOf(types: readonly string[]): FieldKind | undefined {
  if (types.includes('number') || types.includes('integer')) return 'number';
  return types.length > 0 && types.every((type) => type === 'array' || type === 'object')
    ? 'json'
    : undefined;
}
