/** Something happened that must never happen. */
class Violation extends Error {}

/** @throws Violation where the condition does not hold */
export function must(condition: boolean, what: () => string): asserts condition {
  if (!condition) throw new Violation(what());
}
