import type { JsonSchema } from '../../src/http/openapi-schemas.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** A file in a form. */
export class FuzzedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }
}

/** Texts that mean something here; a schema only says that they are texts. */
const words = [
  'walk',
  'run',
  'jump',
  'nano',
  'sprite',
  '32x32',
  '64x64',
  '1',
  '0.5',
  '{paused}',
  '{completed}',
];

/** What has broken other services. */
export const hostileTexts = [
  ...['', ' ', '\0', '\uFEFF', '\ud800', '💥', 'ä\u0308', '\r\nx: y', '__proto__', 'constructor', 'toString'],
  ...[
    '../../etc/passwd',
    '%2e%2e%2f',
    '%00',
    '%',
    "' OR 1=1 --",
    '<script>',
    '{{7*7}}',
    'NaN',
    '-1',
    '1e999',
    '0x10',
  ],
  ...[
    '9'.repeat(400),
    'a'.repeat(5000),
    '[',
    '{"',
    'null',
    'https://127.0.0.1/',
    'data:,',
    'data:image/png;base64,@',
  ],
];

const hostileValues: readonly unknown[] = [
  ...[null, true, false, -1, 0, -0, 0.5, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 53, 2 ** 53 - 1, -(2 ** 63)],
  ...[[], {}, [[]], [null], { a: null }, JSON.parse('{"__proto__": {"frames": 1}}'), nested(31), nested(40)],
];

function nested(depth: number): unknown {
  return depth === 0 ? [] : [nested(depth - 1)];
}

/** Values of schemas: such as they allow, and such as they nearly do. */
export class SchemaValues {
  readonly #random: SeededRandom;
  readonly #schemas: Readonly<Record<string, JsonSchema>>;

  /** @param schemas that others refer to by name */
  constructor(random: SeededRandom, schemas: Readonly<Record<string, JsonSchema>>) {
    this.#random = random;
    this.#schemas = schemas;
  }

  /** A value as the schema describes it. */
  value(schema: JsonSchema): unknown {
    const random = this.#random;
    if (typeof schema.$ref === 'string')
      return this.value(this.#schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
    if ('const' in schema) return schema.const;
    if (Array.isArray(schema.enum)) return random.pick(schema.enum);
    const choices = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
    if (choices !== undefined) return this.value(random.pick(choices));
    if (schema.contentMediaType !== undefined) return new FuzzedFile(this.bytes(200));
    const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type;
    switch (type) {
      case 'integer':
      case 'number':
        return this.#number(schema);
      case 'boolean':
        return random.chance(0.5);
      case 'null':
        return null;
      case 'array':
        return Array.from({ length: random.below(4) }, () => this.value((schema.items ?? {}) as JsonSchema));
      case 'object':
        return this.#object(schema);
      default:
        return random.pick(words);
    }
  }

  /** The same, but for one place or a few, where something is that does not belong there. */
  mutated(value: unknown): unknown {
    const random = this.#random;
    if (value === null || typeof value !== 'object' || value instanceof FuzzedFile || random.chance(0.1))
      return this.hostile();
    if (Array.isArray(value)) {
      const at = random.below(value.length + 1);
      return value.toSpliced(
        at,
        random.below(2),
        at < value.length ? this.mutated(value[at]) : this.hostile(),
      );
    }
    const entries = Object.entries(value);
    const at = random.below(entries.length + 1);
    const [key, item] = entries[at] ?? [
      random.pick([...hostileTexts, 'frames', 'labels', 'size']),
      this.hostile(),
    ];
    const change = random.below(4);
    if (change === 0) entries.splice(at, 1);
    else if (change === 1)
      entries.splice(at, 1, [`${key}${random.pick(['', ' ', 's', '[0]'])}`, this.hostile()]);
    else entries.splice(at, 1, [key, this.mutated(item)]);
    return Object.fromEntries(entries);
  }

  hostile(): unknown {
    const random = this.#random;
    return random.chance(0.5) ? random.pick(hostileTexts) : random.pick(hostileValues);
  }

  bytes(most: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: this.#random.below(most + 1) }, () => this.#random.below(256));
  }

  /** Mostly small, sometimes at an end of the range. */
  #number({ minimum = 0, maximum = 100, type, exclusiveMinimum }: JsonSchema): number {
    const random = this.#random;
    const [least, most] = [Number(exclusiveMinimum ?? minimum), Number(maximum)];
    if (random.chance(0.1)) return random.pick([least, most]);
    const value = Math.min(most, least + random.below(5));
    return type === 'integer' ? value : Math.min(most, value + random.fraction());
  }

  #object({ properties = {}, required = [], additionalProperties }: JsonSchema): Record<string, unknown> {
    const random = this.#random;
    const made: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(properties as Record<string, JsonSchema>))
      if ((required as string[]).includes(name) || random.chance(0.2)) made[name] = this.value(schema);
    if (typeof additionalProperties === 'object')
      for (let left = random.below(3); left > 0; left--)
        made[random.pick(words)] = this.value(additionalProperties as JsonSchema);
    return made;
  }
}
