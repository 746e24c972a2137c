/** What keys, signatures and tokens look like: runs of characters that are too long for a word. */
const secretLike = /whsec_[\w+/=-]+|[\w-]{24,}=*/g;

/** No secrets: whoever knows them can do nothing without a key or a token. */
const publicId = /^(video|key)_[0-9a-f]+$/;

/** A text from which everything that may be a caller's secret is cut, for messages and the log. */
export function withoutSecrets(text: string): string {
  return text.replace(secretLike, (found) => (publicId.test(found) ? found : '[cut]'));
}
