/** HTTP status of every refusal that a request can cause. The only table from code to status. */
export const failureStatus = {
  route_not_found: 404,
  method_not_allowed: 405,
  uri_too_long: 414,
  headers_too_large: 431,
  job_not_found: 404,
  model_not_found: 404,
  media_type: 415,
  content_encoding: 415,
  body_empty: 400,
  json_invalid: 400,
  json_too_deep: 400,
  form_invalid: 400,
  body_too_large: 413,
  request_timeout: 408,
  unknown_field: 422,
  field_required: 422,
  fields_conflict: 422,
  type_mismatch: 422,
  out_of_range: 422,
  seed_unsafe: 422,
  model_unknown: 422,
  label_unknown: 422,
  labels_order: 422,
  size_unsupported: 422,
  url_scheme: 422,
  url_host: 422,
  url_credentials: 422,
  url_port: 422,
  url_redirect: 422,
  url_body_too_large: 422,
  url_unreachable: 422,
  image_dimensions: 422,
  image_inflate_limit: 422,
  image_corrupt: 422,
  image_animated: 422,
  image_type: 415,
  frame_not_found: 404,
  frame_not_ready: 409,
  job_terminal: 409,
  job_not_finished: 409,
  job_expired: 410,
  model_gone: 409,
  last_event_id: 400,
  concurrency_limit: 429,
} as const;

export type FailureCode = keyof typeof failureStatus;

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

  get status(): (typeof failureStatus)[FailureCode] {
    return failureStatus[this.code];
  }
}
