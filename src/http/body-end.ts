import type { MiddlewareHandler } from 'hono';
import { limits } from '../contract/config.ts';
import type { ServiceEnvironment } from './services.ts';

/**
 * Reads and drops what an answer left of the request's body. A connection whose sender still sends is cut by the runtime,
 * and most clients then report the cut and not the answer. Whoever sends without an end, or nothing, is not waited for.
 */
export const readToTheEnd: MiddlewareHandler<ServiceEnvironment> = async (context, next) => {
  const { clock, bodySeconds } = context.env;
  const end = clock() + bodySeconds * 1000;
  await next();
  const { body } = context.req.raw;
  if (body === null || body.locked) return;
  if (Number(context.req.header('content-length') ?? 0) > limits.droppedBytes) return;
  const reader = body.getReader();
  let left = limits.droppedBytes;
  while (left > 0 && clock() < end) {
    const piece = await soon(reader.read());
    if (piece === undefined || piece.done) break;
    left -= piece.value.length;
  }
  void reader.cancel().catch(() => undefined);
};

/** What a promise brings, or undefined where it fails or takes longer than a sender may pause. */
function soon<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, limits.droppedPauseSeconds * 1000);
  return Promise.race([promise.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}
