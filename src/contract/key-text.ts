/** `magi_` and 256 random bits in base64url. */
export const keyPattern = /^magi_[A-Za-z0-9_-]{43}$/;

/** @param bytes 32 random bytes */
export function keyText(bytes: Uint8Array): string {
  return `magi_${base64Url(bytes)}`;
}

/** RFC 4648, section 5, without padding. */
export function base64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
