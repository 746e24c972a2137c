import { z } from 'zod';
import { Failure, type FailureCode } from './failure.ts';

/** A whole number with both ends of its range in every message. */
export function wholeNumber(minimum: number, maximum: number) {
  const message =
    maximum === Number.MAX_SAFE_INTEGER
      ? `must be a whole number of at least ${minimum}`
      : `must be a whole number from ${minimum} to ${maximum}`;
  return numberWithin(minimum, maximum, message)
    .refine(Number.isInteger, outOfRange(message))
    .meta({ type: 'integer' });
}

/** A number, whole or not, from `minimum` to `maximum`. */
export function numberWithin(
  minimum: number,
  maximum: number,
  message = `must be a number from ${minimum} to ${maximum}`,
) {
  return z.number(message).min(minimum, message).max(maximum, message);
}

/** A whole number as a query carries it. */
export function wholeNumberText(minimum: number, maximum: number) {
  return z
    .string()
    .transform((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN))
    .pipe(wholeNumber(minimum, maximum))
    .meta({ type: 'integer', minimum, maximum });
}

function outOfRange(message: string) {
  return { message, params: { code: 'out_of_range' satisfies FailureCode } };
}

/**
 * Parses with a schema whose messages complete "<field> ...".
 * @throws Failure of the first problem found, unknown fields last
 */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issues = result.error.issues;
  const issue = issues.find(({ code }) => code !== 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) throw new Error('a schema refused without saying why');
  throw refusal(issue, value);
}

function refusal(issue: z.core.$ZodIssue, value: unknown): Failure {
  const param = fieldName(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const unknown = fieldName([...issue.path, issue.keys[0] ?? '']);
    return new Failure(
      'unknown_field',
      `${unknown} is not a known field; remove it or correct its name.`,
      unknown,
    );
  }
  if (param === '') return new Failure('type_mismatch', 'The body must be one JSON object.', null);
  if (isMissing(value, issue.path)) {
    return new Failure('field_required', `${param} is missing; it ${issue.message}.`, param);
  }
  return new Failure(codeOf(issue), `${param} ${issue.message}.`, param);
}

function codeOf(issue: z.core.$ZodIssue): FailureCode {
  if (issue.code === 'custom') return (issue.params?.code as FailureCode | undefined) ?? 'out_of_range';
  const isRange = ['too_small', 'too_big', 'invalid_value', 'invalid_format'].includes(issue.code);
  return isRange && !isTypeProblem(issue) ? 'out_of_range' : 'type_mismatch';
}

/** An enumeration reports a number in place of a text as an invalid value, too. */
function isTypeProblem(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_value' && issue.input !== undefined && typeof issue.input !== 'string';
}

function isMissing(value: unknown, path: readonly PropertyKey[]): boolean {
  let at = value;
  for (const key of path) {
    if (at === null || typeof at !== 'object') return false;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at === undefined;
}

/** labels, 0, from -> labels[0].from */
function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    return name === '' ? String(key) : `${name}.${String(key)}`;
  }, '');
}
