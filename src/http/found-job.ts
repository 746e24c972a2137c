import { Failure } from '../contract/failure.ts';
import type { NamedJob } from '../job/job-directory.ts';

/** @throws Failure job_not_found where there is no such job */
export function foundJob(id: string, job: NamedJob | null): NamedJob {
  if (job === null) throw jobNotFound(id);
  return job;
}

export function jobNotFound(id: string): Failure {
  return new Failure('job_not_found', `There is no video "${id}"; GET /v1/videos lists yours.`);
}
