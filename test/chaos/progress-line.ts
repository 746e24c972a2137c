const barCharacters = 30;

/** A bar that is drawn over itself on a terminal, and lines between; elsewhere a line for every tenth of the way. */
export class ProgressLine {
  readonly #output: NodeJS.WriteStream;
  #last = '';

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show(what: string, done: number, total: number): void {
    const { isTTY } = this.#output;
    const filled = Math.round((barCharacters * done) / total);
    const mark = `${what} ${Math.floor((10 * done) / total)}`;
    if (!isTTY && mark === this.#last) return;
    this.#last = mark;
    const bar = '█'.repeat(filled) + '░'.repeat(barCharacters - filled);
    const text = `${bar} ${done}/${total} ${what}`;
    this.#output.write(isTTY ? `\r${text}\x1b[K` : `${text}\n`);
  }

  say(text: string): void {
    this.#output.write(this.#output.isTTY ? `\r${text}\x1b[K\n` : `${text}\n`);
  }
}
