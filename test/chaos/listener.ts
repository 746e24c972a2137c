import { setTimeout as sleep } from 'node:timers/promises';
import { serverEvents } from '../../src/client/server-event.ts';
import { FrameEvent } from '../../src/contract/video-event.ts';
import { authorized } from '../service-key.ts';
import { sha256 } from './stored-state.ts';

/** Longer than two heartbeats without a byte. */
const silenceMs = 40_000;

/**
 * Listens to the events of a video over as many connections as it takes, each from where the last one broke. Notes
 * what comes and mends nothing: what the service repeats or leaves out stays repeated or left out.
 */
export class Listener {
  readonly id: string;
  /** Indices of the frames in the order in which they came. */
  readonly indices: number[] = [];
  /** SHA-256 of each frame's PNG as it came with the event. */
  readonly hashes: string[] = [];
  /** Statuses other than 200 that were answered. */
  readonly refusals: number[] = [];
  connections = 0;
  /** Connections that this end broke off. */
  hangUps = 0;
  /** How the video ended, once it has. */
  ending: string | null = null;
  readonly #address: string;
  #isClosed = false;

  constructor(address: string, id: string) {
    this.#address = address;
    this.id = id;
  }

  /**
   * Until the video ends.
   * @param patience called for each connection; when the promise resolves, this end hangs up
   */
  async listen(patience?: () => Promise<unknown>): Promise<void> {
    this.ending = null;
    while (this.ending === null && !this.#isClosed) {
      const abort = new AbortController();
      void patience?.().then(() => abort.abort());
      await this.#connect(abort.signal).catch(() => undefined);
      if (abort.signal.aborted) this.hangUps++;
      if (this.ending === null && patience === undefined) await sleep(50);
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Frames that came more than once or out of order, and frames between the first and the last that never came. */
  get faults(): { repeated: number; lost: number } {
    const seen = new Set(this.indices);
    const end = Math.max(-1, ...this.indices) + 1;
    return { repeated: this.indices.length - seen.size, lost: end - seen.size };
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const last = this.indices.at(-1);
    const headers: Record<string, string> = {
      ...authorized,
      ...(last !== undefined && { 'last-event-id': String(last) }),
    };
    const url = `${this.#address}/v1/videos/${this.id}/events?images=data`;
    const { body, status } = await fetch(url, { headers, signal });
    if (status !== 200 || body === null) {
      this.refusals.push(status);
      await sleep(100);
      return;
    }
    this.connections++;
    for await (const { name, data } of serverEvents(body, silenceMs)) {
      if (name === 'frame') this.#note(FrameEvent.parse(JSON.parse(data)));
      else if (['completed', 'failed', 'cancelled', 'deleted'].includes(name)) this.ending = name;
    }
  }

  #note({ index, image }: FrameEvent): void {
    this.indices.push(index);
    this.hashes.push(sha256(Buffer.from(image?.split(',')[1] ?? '', 'base64')));
  }
}
