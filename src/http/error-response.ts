import type { Failure } from '../contract/failure.ts';
import type { ErrorBody } from '../contract/job.ts';

/** A refusal on the wire. */
export function failureResponse(failure: Failure, headers: Record<string, string> = {}): Response {
  const { message, code, param } = failure;
  return errorResponse(failure.status, { message, type: 'invalid_request_error', code, param }, headers);
}

/** A bug on the wire: the details stay in the log. */
export function internalErrorResponse(): Response {
  const message = 'The service failed at this request. The fault is ours and has been noted; try again.';
  return errorResponse(500, { message, type: 'server_error', code: 'internal_error', param: null }, {});
}

function errorResponse(status: number, error: ErrorBody['error'], headers: Record<string, string>): Response {
  return Response.json({ error } satisfies ErrorBody, { status, headers });
}
