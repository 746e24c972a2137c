import { type Failure, type FailureCode, failures } from '../contract/failure.ts';
import type { ErrorBody } from '../contract/job.ts';
import { withoutSecrets } from '../contract/secret.ts';

/** Refusals that pass by themselves, and when to ask again. */
const retryAfterSeconds: Partial<Record<FailureCode, number>> = {
  frame_not_ready: 1,
  concurrency_limit: 5,
  idempotency_in_progress: 1,
  payment_unavailable: 60,
};

/** Refusals of who asks, and the reason as OAuth names it: none where no key was sent at all. */
const challenges: Partial<Record<FailureCode, string>> = {
  auth_missing: '',
  auth_scheme: '',
  key_in_query: 'invalid_request',
  key_invalid: 'invalid_token',
  scope_denied: 'insufficient_scope',
};

/** A refusal on the wire. */
export function failureResponse(failure: Failure, headers: Record<string, string> = {}): Response {
  const { message, code, param } = failure;
  const error = {
    // Both quote what was sent.
    message: withoutSecrets(message),
    type: 'invalid_request_error',
    code,
    param: param === null ? null : withoutSecrets(param),
  } as const;
  return errorResponse(failure.status, error, { ...retryHeaders(code), ...challenge(code), ...headers });
}

/** The npm package openai asks again after every 409, unless it is told not to. */
function retryHeaders(code: FailureCode): Record<string, string> {
  const seconds = retryAfterSeconds[code];
  if (seconds !== undefined) return { 'retry-after': String(seconds) };
  return failures[code].status === 409 ? { 'x-should-retry': 'false' } : {};
}

/** What a client that may not call has to be told (RFC 9110, section 15.5.2; RFC 6750, section 3). */
function challenge(code: FailureCode): Record<string, string> {
  const error = challenges[code];
  if (error === undefined) return {};
  return { 'www-authenticate': `Bearer realm="magi"${error === '' ? '' : `, error="${error}"`}` };
}

/** A bug on the wire: the details stay in the log. */
export function internalErrorResponse(requestId: string): Response {
  const message = `The service failed at this request. The fault is ours and has been noted as ${requestId}; try again.`;
  return errorResponse(500, { message, type: 'server_error', code: 'internal_error', param: null }, {});
}

function errorResponse(status: number, error: ErrorBody['error'], headers: Record<string, string>): Response {
  return Response.json({ error } satisfies ErrorBody, { status, headers });
}
