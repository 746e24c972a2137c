/**
 * Every refusal that a request can cause: its HTTP status and when it is given. The only table from code to status;
 * the API's description quotes it.
 */
export const failures = {
  route_not_found: { status: 404, when: 'There is nothing at this address.' },
  method_not_allowed: { status: 405, when: 'The address takes other methods, which `allow` names.' },
  host_invalid: { status: 400, when: 'The header Host names no host.' },
  uri_too_long: { status: 414, when: 'The URL is too long.' },
  headers_too_large: { status: 431, when: 'All headers together are too large.' },
  auth_missing: { status: 401, when: 'There is no key in the header Authorization.' },
  auth_scheme: { status: 401, when: 'The header Authorization has another scheme than Bearer.' },
  key_invalid: { status: 401, when: 'The key is malformed, unknown or revoked.' },
  key_in_query: { status: 401, when: 'There is a key in the address, where it does not stay secret.' },
  scope_denied: { status: 403, when: 'The key lacks the scope that the call needs.' },
  link_invalid: { status: 403, when: 'The token of the link was altered, or belongs to another video.' },
  link_expired: { status: 403, when: 'The link has expired.' },
  key_not_found: { status: 404, when: 'There is no such key.' },
  job_not_found: { status: 404, when: 'You have no such video.' },
  model_not_found: { status: 404, when: 'There is no such model.' },
  media_type: { status: 415, when: 'The body is neither JSON nor a multipart form.' },
  content_encoding: { status: 415, when: 'The body is compressed.' },
  body_empty: { status: 400, when: 'The body is empty.' },
  json_invalid: { status: 400, when: 'The body is not JSON in UTF-8.' },
  json_too_deep: { status: 400, when: 'The JSON is nested too deeply.' },
  form_invalid: { status: 400, when: 'The body is not the form that it says it is.' },
  body_too_large: { status: 413, when: 'The body is too large.' },
  body_incomplete: { status: 400, when: 'The connection broke off in the middle of the body.' },
  request_timeout: { status: 408, when: 'The body arrived too slowly.' },
  unknown_field: { status: 422, when: 'A field or query parameter is not known.' },
  field_required: { status: 422, when: 'A field is missing.' },
  fields_conflict: { status: 422, when: 'Two fields exclude each other, or one is sent twice.' },
  type_mismatch: { status: 422, when: 'A field has the wrong type.' },
  out_of_range: { status: 422, when: 'A value is outside of what is allowed.' },
  seed_unsafe: { status: 422, when: 'The seed is a number that JSON does not carry exactly.' },
  model_unknown: { status: 422, when: 'The field model names no model that is served.' },
  label_unknown: { status: 422, when: 'The model does not know a label.' },
  labels_order: { status: 422, when: 'The schedule does not rise by `from`.' },
  size_unsupported: { status: 422, when: 'The model makes another size.' },
  format_unsupported: { status: 422, when: 'The service does not make this format.' },
  url_scheme: { status: 422, when: 'The URL has a scheme that is not read.' },
  url_host: { status: 422, when: 'The URL names no public host.' },
  url_credentials: { status: 422, when: 'The URL holds a user name or a password.' },
  url_port: { status: 422, when: 'The URL names a port.' },
  url_redirect: { status: 422, when: 'The URL redirects too often or to where it may not.' },
  url_body_too_large: { status: 422, when: 'What the URL answers with is too large.' },
  url_unreachable: { status: 422, when: 'The URL does not answer with a file.' },
  image_dimensions: { status: 422, when: 'The image has too many pixels.' },
  image_inflate_limit: { status: 422, when: 'The image holds more data than its size needs.' },
  image_corrupt: { status: 422, when: 'The image is empty, cut off or damaged.' },
  image_animated: { status: 422, when: 'The image is an animation.' },
  image_type: { status: 415, when: 'The image is neither PNG, JPEG nor WebP.' },
  frame_not_found: { status: 404, when: 'The video has no such frame and never will.' },
  frame_not_ready: { status: 409, when: 'The frame is not made yet; `retry-after` says when to ask again.' },
  job_terminal: { status: 409, when: 'The video is finished in another way already.' },
  job_not_finished: { status: 409, when: 'The video is still being made.' },
  job_expired: { status: 410, when: 'The video was kept for its time and then deleted.' },
  model_gone: { status: 409, when: 'The build of the model that made the video is not served any more.' },
  last_event_id: { status: 400, when: '`Last-Event-ID` is not the index of a frame of the video.' },
  payment_required: {
    status: 402,
    when: 'There is no key; the header payment-required offers credits for money.',
  },
  payment_invalid: {
    status: 400,
    when: 'The header payment-signature holds no payment of the scheme `exact`.',
  },
  payment_mismatch: { status: 402, when: 'The payment pays something else than what was offered.' },
  payment_replayed: { status: 402, when: 'The payment was sent before.' },
  payment_expired: { status: 402, when: 'The payment is not valid any more, or not yet.' },
  payment_refused: {
    status: 402,
    when: 'The payment cannot be carried out: a wrong signature, or no funds.',
  },
  payment_pending: {
    status: 402,
    when: 'It is not known yet whether the payment was made; if it was, it will count.',
  },
  payment_unavailable: { status: 503, when: 'Payments cannot be checked at the moment; nothing was taken.' },
  reference_reused: { status: 422, when: 'Other credits were entered under the reference before.' },
  idempotency_invalid: { status: 400, when: 'The header Idempotency-Key is empty or too long.' },
  idempotency_reused: { status: 422, when: 'Something else was ordered under the same Idempotency-Key.' },
  idempotency_in_progress: {
    status: 409,
    when: 'The same order is being carried out; `retry-after` says when to ask for its answer.',
  },
  insufficient_credits: {
    status: 402,
    when: 'The order costs more credits than are available; the message says both.',
  },
  rate_limited: {
    status: 429,
    when: 'Too many requests in a short time; `retry-after` says when to ask again.',
  },
  concurrency_limit: {
    status: 429,
    when: 'Too many of your videos are unfinished; `retry-after` says when to ask again.',
  },
} as const satisfies Record<string, { status: number; when: string }>;

export type FailureCode = keyof typeof failures;

/**
 * A refusal that the caller can understand and act upon: what was wrong, what is allowed, and the field.
 * Anything else that is thrown is a bug and answered with a plain 500.
 */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly param: string | null;

  constructor(code: FailureCode, message: string, param: string | null = null) {
    super(message);
    this.name = 'Failure';
    this.code = code;
    this.param = param;
  }

  get status(): (typeof failures)[FailureCode]['status'] {
    return failures[this.code].status;
  }
}
