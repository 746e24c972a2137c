import { must } from './violation.ts';
import type { World } from './world.ts';

/** What a full disk throws. */
export class StorageFull extends Error {}

/** Pauses after which an alarm whose handler threw is tried again; then it is dropped. */
const alarmRetries = 6;

interface Waiting {
  /** Groups of writes that must be on disk before. */
  readonly groups: number;
  readonly run: () => void;
  readonly failed: () => void;
}

/**
 * A Durable Object as the platform runs it. Writes of one turn are one atomic group; groups reach the disk in order,
 * perhaps late, and a crash loses the last ones. An answer leaves only when everything written before is on disk.
 */
export abstract class SimulatedObject<
  State extends { readonly alarm: number | null } = { readonly alarm: number | null },
> {
  readonly id: string;
  protected readonly world: World;
  /** The first is on disk, the last is what the object sees. */
  #versions: State[];
  #isTurnOpen = false;
  #groupsWritten = 0;
  #groupsOnDisk = 0;
  #lastFlushAt = 0;
  #waiting: Waiting[] = [];
  /** Which life of the object: what one began does not go on in the next. */
  life = 0;
  #isLoaded = false;
  #fullUntil = 0;

  #alarmToken = 0;
  #handling: { isAlarmReplaced: boolean } | null = null;
  #failures = 0;
  /** The platform lost the alarm, or gave up on it because its handler always threw. */
  isAlarmDropped = false;

  constructor(id: string, world: World, state: State) {
    this.id = id;
    this.world = world;
    this.#versions = [state];
    world.add(this);
  }

  /** Runs when the object comes into memory. */
  protected abstract construct(): void;

  /** One run of the alarm handler; calls `handled` at its end. */
  protected abstract handleAlarm(): void;

  /** Memory of the object goes. */
  protected abstract forgetMemory(): void;

  /** Looked at after every turn. */
  protected abstract check(): void;

  get state(): State {
    return this.#versions[this.#versions.length - 1] as State;
  }

  get stateOnDisk(): State {
    return this.#versions[0] as State;
  }

  get isHandlingAlarm(): boolean {
    return this.#handling !== null;
  }

  /** @throws StorageFull */
  change(state: State, setsAlarm = false): void {
    if (this.world.now < this.#fullUntil && !this.world.isCalm) throw new StorageFull();
    this.#replace(state, setsAlarm);
  }

  fillStorage(milliseconds: number): void {
    this.world.note(this.id, `storage is full for ${milliseconds} ms`);
    this.#fullUntil = this.world.now + milliseconds;
  }

  /** @throws StorageFull */
  setAlarm(time: number | null): void {
    this.change({ ...this.state, alarm: time }, true);
  }

  /** Changes even where storage is full: what deletes or writes little fits. */
  protected changeRegardless(state: State): void {
    this.#replace(state, true);
  }

  /** Null while a handler runs that has not set another. */
  getAlarm(): number | null {
    return this.#handling !== null && !this.#handling.isAlarmReplaced ? null : this.state.alarm;
  }

  /** Serves a request; the answer leaves once everything is on disk. */
  serve<Result>(handle: () => Result, answered: (result: Result) => void, failed: () => void): void {
    let result: Result;
    try {
      this.#load();
      result = handle();
    } catch (error) {
      this.endTurn();
      if (!(error instanceof StorageFull)) throw error;
      this.world.note(this.id, 'refuses: storage is full');
      failed();
      return;
    }
    this.endTurn();
    this.whenOnDisk(() => answered(result), failed);
  }

  /** The writes so far become one group, on its way to the disk. */
  endTurn(): void {
    this.check();
    if (!this.#isTurnOpen) return;
    this.#isTurnOpen = false;
    this.#groupsWritten++;
    const { world, life } = this;
    const delay = world.fault(world.faults.slowDisk) ? world.random.below(1500) : world.random.below(3);
    this.#lastFlushAt = Math.max(this.#lastFlushAt, world.now + delay);
    world.at(this.#lastFlushAt - world.now, () => this.#flush(life));
  }

  /** Runs once everything written so far is on disk; or the other, if the object dies before. */
  whenOnDisk(run: () => void, failed: () => void = () => undefined): void {
    if (this.#versions.length === 1) run();
    else this.#waiting.push({ groups: this.#groupsWritten, run, failed });
  }

  /** Everything in memory goes, and what had not reached the disk. */
  crash(): void {
    const kept = this.world.random.below(this.#versions.length);
    if (kept < this.#versions.length - 1)
      this.world.note(this.id, `loses ${this.#versions.length - 1 - kept} groups of writes`);
    this.#versions = [this.#versions[kept] as State];
    this.#isTurnOpen = false;
    this.#groupsOnDisk = this.#groupsWritten;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.life++;
    this.#isLoaded = false;
    this.#handling = null;
    this.#failures = 0;
    this.forgetMemory();
    this.#schedule();
    for (const { failed } of waiting) failed();
  }

  /** Everything in memory goes, and the platform forgets the alarm. */
  loseAlarm(): void {
    this.world.note(this.id, 'is evicted, and its alarm is lost');
    this.crash();
    this.#alarmToken++;
    this.#versions = [{ ...this.state, alarm: null }];
    this.isAlarmDropped = true;
  }

  /** The alarm handler has ended. */
  protected handled(outcome: 'done' | 'threw'): void {
    const handling = this.#handling;
    must(handling !== null, () => `${this.id}: an alarm handler ends that did not run`);
    this.#handling = null;
    if (outcome === 'threw' && !handling.isAlarmReplaced && ++this.#failures <= alarmRetries) {
      this.#schedule(2000 * 2 ** this.#failures);
    } else if (handling.isAlarmReplaced) {
      this.#failures = 0;
      this.#schedule();
    } else {
      this.isAlarmDropped = outcome === 'threw';
      this.#failures = 0;
      if (this.state.alarm !== null) this.#replace({ ...this.state, alarm: null }, false);
    }
    this.endTurn();
    const { world } = this;
    if (world.fault(world.faults.duplicateAlarm))
      world.at(world.random.below(200), () => this.#deliverAgain());
  }

  /** Never refused. */
  #replace(state: State, setsAlarm: boolean): void {
    if (this.#isTurnOpen) this.#versions[this.#versions.length - 1] = state;
    else this.#versions.push(state);
    this.#isTurnOpen = true;
    if (!setsAlarm) return;
    this.isAlarmDropped = false;
    if (this.#handling !== null) this.#handling.isAlarmReplaced = true;
    else this.#schedule();
  }

  #flush(life: number): void {
    if (life !== this.life) return;
    this.#versions.shift();
    this.#groupsOnDisk++;
    while ((this.#waiting[0]?.groups ?? Number.POSITIVE_INFINITY) <= this.#groupsOnDisk)
      this.#waiting.shift()?.run();
  }

  #load(): void {
    if (this.#isLoaded) return;
    this.construct();
    this.#isLoaded = true;
  }

  /** @param delay instead of the alarm's own time */
  #schedule(delay?: number): void {
    const token = ++this.#alarmToken;
    const { alarm } = this.state;
    if (alarm === null) return;
    const { world } = this;
    const late = world.fault(world.faults.lateAlarm) ? world.random.below(5000) : world.random.below(2);
    world.at((delay ?? Math.max(0, alarm - world.now)) + late, () => {
      if (token === this.#alarmToken && this.#handling === null) this.#handle(false);
    });
  }

  #deliverAgain(): void {
    if (this.#handling !== null) return;
    this.world.note(this.id, 'an alarm is delivered again');
    this.#handle(true);
  }

  #handle(isAgain: boolean): void {
    // The alarm stays in storage until its handler has ended well: a death before brings it again.
    // Delivered again, it must not take away the next one.
    this.#handling = { isAlarmReplaced: isAgain };
    try {
      this.#load();
    } catch (error) {
      if (!(error instanceof StorageFull)) throw error;
      this.handled('threw');
      return;
    }
    this.handleAlarm();
  }
}
