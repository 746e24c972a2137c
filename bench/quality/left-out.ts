/** What of an archive no character wears, and why. */
export interface LeftOut {
  /** Item -> sheets that it lacks, or has in another size than the model's frames. */
  readonly lackingSheets: Readonly<Record<string, readonly string[]>>;
  /** Items that no rule puts on a character. */
  readonly withoutRule: readonly string[];
  /** Items without combat sheets: characters that fight do not wear them. */
  readonly notInCombat: readonly string[];
}

/** The same to read, a line for each item that nobody wears. */
export function leftOutNotices({ lackingSheets, withoutRule, notInCombat }: LeftOut): string[] {
  const lacking = Object.entries(lackingSheets).map(
    ([item, sheets]) =>
      `Left out: ${item} has no sheet ${sheets.join(', ')} in the size of the model's frames`,
  );
  const unruled = withoutRule.map(
    (item) => `Left out: ${item} is nothing that characters of LPC Revised are dressed in`,
  );
  const peaceful =
    notInCombat.length === 0
      ? []
      : [`Not worn by characters that fight: ${notInCombat.length} items that lack combat sheets`];
  return [...lacking, ...unruled, ...peaceful];
}
