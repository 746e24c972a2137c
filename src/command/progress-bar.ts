const barCharacters = 30;

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** Frames per second; 0 while it is unknown. */
  readonly rate: number;
}

/** One line of progress: a bar, the count, the rate and the time left. */
export function progressLine({ done, total, rate }: Progress): string {
  const pace =
    rate > 0 ? `${rate.toFixed(1)} frames/s, ${Math.ceil((total - done) / rate)} s left` : 'starting';
  return `${bar(done, total)} frames, ${pace}`;
}

/** A bar and the count. */
export function bar(done: number, total: number): string {
  const filled = Math.round((barCharacters * done) / total);
  return `${'█'.repeat(filled) + '░'.repeat(barCharacters - filled)} ${done}/${total}`;
}

/** Writes progress over itself on a terminal; elsewhere, a line for every tenth of the way. */
export class ProgressBar {
  readonly #output: NodeJS.WriteStream;
  #tenth = -1;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** @param line what is shown, see `bar` */
  show(done: number, total: number, line: string): void {
    if (this.#output.isTTY) {
      this.#output.write(`\r${line}\x1b[K`);
      return;
    }
    const tenth = Math.floor((10 * done) / total);
    if (tenth === this.#tenth) return;
    this.#tenth = tenth;
    this.#output.write(`${line}\n`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.#output.write(this.#output.isTTY ? `\r${text}\x1b[K\n` : `${text}\n`);
  }

  end(): void {
    if (this.#output.isTTY) this.#output.write('\n');
  }
}
