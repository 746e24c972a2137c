/** The service, and an entrance to it that no part of the local tools stands before. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import service, { AccountObject, JobObject, KeyRingObject, PaymentObject } from '../../src/worker.ts';

export class DirectEntrance extends WorkerEntrypoint {
  override fetch(request: Request): Response | Promise<Response> {
    const handle = service.fetch as (request: Request, env: unknown, context: unknown) => Promise<Response>;
    return handle(request, this.env, this.ctx);
  }
}

export { AccountObject, JobObject, KeyRingObject, PaymentObject };

export default service;
