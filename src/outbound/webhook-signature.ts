const prefix = 'whsec_';

/** A new secret of 256 bits, in the form that verifiers of Standard Webhooks take. */
export function newWebhookSecret(randomBytes: (length: number) => Uint8Array): string {
  return prefix + Buffer.from(randomBytes(32)).toString('base64');
}

/**
 * Headers of Standard Webhooks 1.0.0: HMAC-SHA256 over id, time and body, one signature for each secret.
 * @param timestamp Unix seconds of this try: receivers refuse what is older or newer than a few minutes
 * @param secrets in the form of newWebhookSecret
 */
export async function signatureHeaders(
  { id, timestamp, body }: { readonly id: string; readonly timestamp: number; readonly body: string },
  secrets: readonly string[],
): Promise<Record<string, string>> {
  const content = Buffer.from(`${id}.${timestamp}.${body}`);
  const signatures = await Promise.all(secrets.map((secret) => signature(secret, content)));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.map((text) => `v1,${text}`).join(' '),
  };
}

async function signature(secret: string, content: Buffer<ArrayBuffer>): Promise<string> {
  const bytes = Buffer.from(secret.slice(prefix.length), 'base64');
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return Buffer.from(await crypto.subtle.sign('HMAC', key, content)).toString('base64');
}
