/** What was asked for cannot be measured; the message says why and what can. */
export class Unmeasurable extends Error {
  override readonly name = 'Unmeasurable';
}
