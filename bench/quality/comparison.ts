import { exactColourShare, type Frame, mean, psnr, type Summary, summary } from './metrics.ts';
import type { Label } from './timeline.ts';

/** What is compared with the true animation. */
const systems = ['copy of the first frame', 'tokenizer', 'model'] as const;
export type System = (typeof systems)[number];

/** Frames of one clip by each system, and the true ones; the first frame is given and does not count. */
export interface ComparedClip {
  readonly label: Label;
  readonly truth: readonly Frame[];
  readonly made: Readonly<Record<System, readonly Frame[]>>;
}

/** PSNR in dB by label and over all labels, and shares of right colours, as `npm run training -- evaluate` writes them. */
export interface Figures {
  readonly psnr: Readonly<
    Record<System, Readonly<Record<string, Summary | number>> & { readonly mean: number }>
  >;
  readonly exactColourShare: Readonly<Record<System, Summary>>;
}

interface Score {
  readonly label: Label;
  readonly psnr: Readonly<Record<System, number>>;
  readonly exact: Readonly<Record<System, number>>;
}

/** Collects the scores of clips. */
export class Comparison {
  readonly #order: readonly Label[];
  readonly #scores: Score[] = [];

  /** @param order of the labels in what is reported */
  constructor(order: readonly Label[]) {
    this.#order = order;
  }

  add({ label, truth, made }: ComparedClip): void {
    const later = truth.slice(1);
    this.#scores.push({
      label,
      psnr: bySystem((system) => psnr(later, made[system].slice(1))),
      exact: bySystem((system) => exactColourShare(later, made[system].slice(1))),
    });
  }

  /** Labels of which there are clips. */
  get labels(): Label[] {
    return this.#order.filter((label) => this.#scores.some((score) => score.label === label));
  }

  figures(): Figures {
    return {
      psnr: bySystem((system) => this.#decibels(system)),
      exactColourShare: bySystem((system) => summary(this.#scores.map(({ exact }) => exact[system]))),
    };
  }

  #decibels(system: System): Figures['psnr'][System] {
    const byLabel = this.labels.map((label) => {
      const scores = this.#scores.filter((score) => score.label === label);
      return [label, summary(scores.map(({ psnr }) => psnr[system]))] as const;
    });
    return { ...Object.fromEntries(byLabel), mean: mean(byLabel.map(([, { mean }]) => mean)) };
  }
}

/** The figures as a table. */
export function figureTable(comparison: Comparison): string {
  const { labels } = comparison;
  const { psnr, exactColourShare } = comparison.figures();
  const rows = systems.map((system) => {
    const cells = labels.map((label) => interval(psnr[system][label] as Summary));
    const share = `${(100 * exactColourShare[system].mean).toFixed(1)}%`;
    return [system, ...cells, psnr[system].mean.toFixed(2), share];
  });
  const header = ['system', ...labels, 'mean', 'exact colours'];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}

function interval({ mean, low, high }: Summary): string {
  return `${mean.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
}

function bySystem<T>(value: (system: System) => T): Record<System, T> {
  return Object.fromEntries(systems.map((system) => [system, value(system)])) as Record<System, T>;
}
