import { ledgerProblem } from '../billing/ledger-invariants.ts';
import type { StoredJob, StoredState } from './stored-state.ts';

/** What was found wrong, each kind counted. */
export interface Findings {
  different: number;
  lostFrames: number;
  repeatedFrames: number;
  /** Videos that did not end as ordered. */
  unfinished: number;
  /** Holds that captured more than was committed, or in the end less. */
  wronglyCharged: number;
  /** Times that an account's credits and entries did not add up, or a job knew of another price than its hold. */
  brokenLedgers: number;
}

/** Compares what is on disk with what was there before and with what should be. */
export class Inspector {
  readonly findings: Findings = {
    different: 0,
    lostFrames: 0,
    repeatedFrames: 0,
    unfinished: 0,
    wronglyCharged: 0,
    brokenLedgers: 0,
  };
  readonly #state: StoredState;
  readonly #report: (problem: string) => void;
  readonly #committed = new Map<string, number>();
  /** Kills of the service since a video's last frame. */
  readonly #deaths = new Map<string, number>();

  constructor(state: StoredState, report: (problem: string) => void) {
    this.#state = state;
    this.#report = report;
  }

  /** To be called while the service is dead. */
  afterKill(): void {
    const jobs = this.#jobs();
    for (const [id, job] of jobs) this.#frames(id, job);
    for (const [id, captured] of this.#captured()) {
      const computed = jobs.get(id)?.computed ?? 0;
      if (captured > computed) this.#wronglyCharged(id, captured, computed);
    }
    this.#ledger(jobs);
  }

  /** The highest count of attempts of a running job. */
  attempts(): number {
    return Math.max(0, ...[...this.#jobs().values()].map((job) => (isRunning(job) ? job.attempts : 0)));
  }

  /** To be called when everything is finished: frames as expected, and the account exact. */
  atEnd(videos: readonly { id: string; expected: readonly string[]; isComplete: boolean }[]): void {
    const captured = this.#captured();
    for (const { id, expected, isComplete } of videos) {
      const job = this.#state.job(id);
      const frames = this.#state.frames(id);
      this.findings.lostFrames += Math.max(0, (isComplete ? expected.length : frames.length) - frames.length);
      const isDifferent = frames.some((frame, index) => frame !== expected[index]);
      if (isDifferent) this.different(id, frames, expected);
      if (job?.status !== 'completed') {
        this.findings.unfinished++;
        this.#report(
          `video ${id} is ${job?.status}, ${job?.error}, at frame ${job?.cursor}, where it died ${this.#deaths.get(id)} times`,
        );
      }
      if ((captured.get(id) ?? 0) !== job?.computed)
        this.#wronglyCharged(id, captured.get(id) ?? 0, job?.computed);
    }
    this.#ledger(this.#jobs());
    for (const { jobId, hold, isEnded } of this.#state.account().holds) {
      if (isEnded) continue;
      this.findings.wronglyCharged++;
      this.#report(`hold ${hold} of ${jobId} has not ended`);
    }
  }

  different(id: string, frames: readonly string[], expected: readonly string[]): void {
    this.findings.different++;
    const at = frames.findIndex((frame, index) => frame !== expected[index]);
    this.#report(`video ${id} is another one from frame ${at} on`);
  }

  heard(id: string, { repeated, lost }: { repeated: number; lost: number }): void {
    this.findings.repeatedFrames += repeated;
    this.findings.lostFrames += lost;
    if (repeated + lost > 0)
      this.#report(`the events of ${id} repeated ${repeated} frames and left out ${lost}`);
  }

  #jobs(): Map<string, StoredJob> {
    const jobs = this.#state.ids().map((id) => [id, this.#state.job(id)] as const);
    return new Map(jobs.filter((entry): entry is [string, StoredJob] => entry[1] !== null));
  }

  #frames(id: string, job: StoredJob): void {
    if (job.status === 'expired' || job.status === 'removed') return;
    const before = this.#committed.get(id) ?? 0;
    this.#deaths.set(id, job.frames > before ? 1 : (this.#deaths.get(id) ?? 0) + 1);
    if (job.frames < before || job.frames !== job.cursor) {
      this.findings.lostFrames += Math.max(1, before - job.frames);
      this.#report(`video ${id} had ${before} frames, and has ${job.frames}; its cursor is ${job.cursor}`);
    }
    this.#committed.set(id, job.frames);
  }

  #captured(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { jobId, captured } of this.#state.account().holds)
      sums.set(jobId, (sums.get(jobId) ?? 0) + captured);
    return sums;
  }

  /** The account's file alone, and against what the jobs' files say of their holds. */
  #ledger(jobs: ReadonlyMap<string, StoredJob>): void {
    const { holds, entries } = this.#state.account();
    const problem = ledgerProblem(entries, holds);
    if (problem !== null) this.#brokenLedger(problem);
    for (const id of jobs.keys()) {
      for (const { hold, captured, isFinal, price } of this.#state.settlements(id)) {
        const known = holds.find((other) => other.jobId === id && other.hold === hold);
        const isTrue =
          known !== undefined &&
          known.captured <= captured &&
          (isFinal || !known.isEnded) &&
          known.price.frames === price.frames &&
          known.price.frameCredits === price.frameCredits;
        if (!isTrue) this.#brokenLedger(`hold ${hold} of ${id} is not what its job says of it`);
      }
    }
  }

  #brokenLedger(problem: string): void {
    this.findings.brokenLedgers++;
    this.#report(`the ledger is broken: ${problem}`);
  }

  #wronglyCharged(id: string, captured: number, computed: number | undefined): void {
    this.findings.wronglyCharged++;
    this.#report(`video ${id} has ${computed} computed frames, but ${captured} are captured`);
  }
}

function isRunning({ status }: StoredJob): boolean {
  return status === 'queued' || status === 'in_progress';
}
