import type { Context } from 'hono';
import { Failure } from '../contract/failure.ts';
import type { NamedJob } from '../job/job-directory.ts';
import type { ServiceEnvironment } from './services.ts';

/** Id of the video in a route's path. */
export function videoId(context: Context<ServiceEnvironment>): string {
  return context.req.param('id') ?? '';
}

/** @throws Failure job_not_found where there is no such job */
export function foundJob(id: string, job: NamedJob | null): NamedJob {
  if (job === null) throw jobNotFound(id);
  return job;
}

export function jobNotFound(id: string): Failure {
  return new Failure('job_not_found', `There is no video "${id}"; GET /v1/videos lists yours.`);
}
