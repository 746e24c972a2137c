import { limits } from '../../src/contract/config.ts';
import type { Delivery } from '../../src/contract/webhook.ts';
import { isFinished, isVisible } from '../../src/job/state-table.ts';
import type { DeliveryAnswer } from '../../src/job/webhook-changes.ts';
import type { JobState } from './job-state.ts';
import { must } from './violation.ts';
import type { World } from './world.ts';

/** What of a job a receiver is told by. */
interface Teller {
  readonly id: string;
  readonly stateOnDisk: JobState;
}

const unreachable: DeliveryAnswer = { kind: 'refused', error: 'not reached', isFinal: false };

/** Everybody outside who is told of the ends of videos, and what they remember: no crash of the service touches it. */
export class SimulatedReceiver {
  readonly #world: World;
  /** How often each event came. */
  readonly #tries = new Map<string, number>();
  readonly #delivered = new Set<string>();
  readonly #gone = new Set<string>();
  /** How often owners had each event sent anew. */
  readonly #rounds = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** One try of a job at telling of an end of its video. */
  take(job: Teller, delivery: Delivery, answered: (answer: DeliveryAnswer) => void): void {
    const world = this.#world;
    if (world.fault(world.faults.lostRequest)) {
      world.at(world.latency(), () => answered(unreachable));
      return;
    }
    world.at(world.latency(), () => {
      this.#check(job, delivery);
      const key = keyOf(job.id, delivery);
      this.#tries.set(key, (this.#tries.get(key) ?? 0) + 1);
      const { after, answer } = this.#answer(key);
      world.at(after, () => answered(answer));
    });
  }

  #answer(key: string): { readonly after: number; readonly answer: DeliveryAnswer } {
    const { random, faults } = this.#world;
    const soon = this.#world.latency();
    const isSo = (rate: number) => this.#world.fault(rate);
    if (isSo(faults.hangingReceiver)) return { after: limits.webhookSeconds * 1000, answer: unreachable };
    if (isSo(faults.failingReceiver)) return { after: random.below(500), answer: unreachable };
    if (isSo(faults.goneReceiver)) {
      this.#gone.add(key);
      return { after: soon, answer: { kind: 'refused', error: 'gone', isFinal: true } };
    }
    this.#delivered.add(key);
    return { after: soon, answer: isSo(faults.lostReply) ? unreachable : { kind: 'delivered' } };
  }

  /** The owner has the news of the end in this epoch sent again. */
  sentAgain(jobId: string, epoch: number): void {
    const key = keyOf(jobId, { epoch });
    this.#rounds.set(key, (this.#rounds.get(key) ?? 1) + 1);
  }

  /** What every change of a job keeps to. */
  checkWrite(id: string, before: JobState, after: JobState): void {
    const { job } = after;
    if (job === null || before.job === null || !isVisible(job.status)) return;
    const { status, epoch, webhookUrl, deliveries } = job;
    const isNewEnd = isFinished(status) && !isFinished(before.job.status);
    const newest = deliveries.at(-1);
    const isAnnounced = newest?.epoch === epoch && newest.type === `video.${status}`;
    must(!isNewEnd || webhookUrl === null || isAnnounced, () => `${id}: is ${status}, and nobody will hear`);
    for (const { epoch: known, status: then } of before.job.deliveries) {
      const now = deliveries.find((delivery) => delivery.epoch === known);
      must(now !== undefined || then !== 'pending', () => `${id}: the news of end ${known} are lost`);
    }
    for (const delivery of deliveries) this.#checkResult(id, delivery);
  }

  /** What holds once everything has come to rest. */
  checkAtEnd({ id, state: { job } }: { readonly id: string; readonly state: JobState }): void {
    if (job === null || !isVisible(job.status)) return;
    for (const { status, epoch } of job.deliveries)
      must(status !== 'pending', () => `${id}: the news of end ${epoch} wait for ever`);
    if (job.webhookUrl === null || !isFinished(job.status)) return;
    must(job.deliveries.at(-1)?.epoch === job.epoch, () => `${id}: nobody was told of its end`);
  }

  #checkResult(id: string, delivery: Delivery): void {
    const key = keyOf(id, delivery);
    const { status, attempts, epoch } = delivery;
    must(status !== 'delivered' || this.#delivered.has(key), () => `${id}: end ${epoch} was never heard of`);
    const isOver = attempts >= limits.webhookAttempts || this.#gone.has(key);
    must(status !== 'failed' || isOver, () => `${id}: end ${epoch} is given up after ${attempts} tries`);
  }

  /** What comes in is on the job's disk, its try counted. */
  #check({ id, stateOnDisk: { job } }: Teller, delivery: Delivery): void {
    const key = keyOf(id, delivery);
    const allowed = limits.webhookAttempts * (this.#rounds.get(key) ?? 1);
    must(
      (this.#tries.get(key) ?? 0) < allowed,
      () => `${id}: more tries than ${allowed} at ${delivery.type}`,
    );
    if (job === null || !isVisible(job.status)) return;
    must(job.epoch >= delivery.epoch, () => `${id}: tells of an end that a crash can undo`);
    const known = job.deliveries.find(({ epoch }) => epoch === delivery.epoch);
    const isRetold = this.#rounds.has(key);
    const isCounted = known === undefined || known.attempts >= delivery.attempts;
    must(isRetold || isCounted, () => `${id}: a try at ${delivery.type} that is not counted`);
    const isSo = job.epoch > delivery.epoch || delivery.type === `video.${job.status}`;
    must(isSo, () => `${id}: tells ${delivery.type} while it is ${job.status}`);
  }
}

function keyOf(jobId: string, { epoch }: Pick<Delivery, 'epoch'>): string {
  return `${jobId} ${epoch}`;
}
