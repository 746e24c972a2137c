const barCharacters = 30;

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** Frames per second; 0 while it is unknown. */
  readonly rate: number;
}

/** One line of progress: a bar, the count, the rate and the time left. */
export function progressLine({ done, total, rate }: Progress): string {
  const filled = Math.round((barCharacters * done) / total);
  const bar = '█'.repeat(filled) + '░'.repeat(barCharacters - filled);
  const pace =
    rate > 0 ? `${rate.toFixed(1)} frames/s, ${Math.ceil((total - done) / rate)} s left` : 'starting';
  return `${bar} ${done}/${total} frames, ${pace}`;
}

/** Writes progress over itself on a terminal; elsewhere, a line for every tenth of the way. */
export class ProgressBar {
  readonly #output: NodeJS.WriteStream;
  #tenth = -1;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show(progress: Progress): void {
    const line = progressLine(progress);
    if (this.#output.isTTY) {
      this.#output.write(`\r${line}\x1b[K`);
      return;
    }
    const tenth = Math.floor((10 * progress.done) / progress.total);
    if (tenth === this.#tenth) return;
    this.#tenth = tenth;
    this.#output.write(`${line}\n`);
  }

  end(): void {
    if (this.#output.isTTY) this.#output.write('\n');
  }
}
