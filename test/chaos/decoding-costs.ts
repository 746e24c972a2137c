import { writeFileSync } from 'node:fs';
import { encodePng } from '../../src/media/png.ts';
import type { HostileImage } from '../media/hostile-images.ts';
import { disc, jpegFile, webpFile } from '../media/sample-image.ts';
import { cpuSeconds, peakMebibytes, residentMebibytes } from './process-figures.ts';
import { Runtime } from './runtime.ts';

/** What one file may take. */
export const bars = { cpuMilliseconds: 100, mebibytes: 32 };

/** What decoding one file took of the process, from its bytes in memory on. */
export interface DecodingCosts {
  readonly name: string;
  /** How it ended: `taken`, or a code. */
  readonly outcome: string;
  /** CPU time of all threads. */
  readonly cpuMilliseconds: number;
  /** From what was in use before to the peak. */
  readonly mebibytes: number;
}

/** Decodes each file in a process of its own, in which no other file has left memory to be used again. */
export async function* decodingCosts(
  dataFolder: string,
  images: readonly HostileImage[],
): AsyncGenerator<DecodingCosts> {
  const runtime = await Runtime.open({ dataFolder, kind: 'decoding' });
  const small = disc(16, 16);
  const samples = [encodePng(small), await jpegFile(small), await webpFile(small)];
  try {
    for (const { name, bytes } of images) {
      await runtime.serve();
      // The first image of a kind takes the decoder's code with it.
      for (const sample of samples) await decoded(runtime, sample);
      await sent(runtime, bytes);
      // Makes the peak the present (proc(5), clear_refs).
      writeFileSync(`/proc/${runtime.pid}/clear_refs`, '5');
      const before = { mebibytes: residentMebibytes(runtime.pid), seconds: cpuSeconds(runtime.pid) };
      const outcome = await decoded(runtime);
      yield {
        name,
        outcome,
        cpuMilliseconds: Math.round(1000 * (cpuSeconds(runtime.pid) - before.seconds)),
        mebibytes: Math.round(10 * (peakMebibytes(runtime.pid) - before.mebibytes)) / 10,
      };
      await runtime.kill();
    }
  } finally {
    await runtime.close();
  }
}

async function sent({ address }: Runtime, image: Uint8Array): Promise<void> {
  await fetch(address, { method: 'PUT', body: image as Uint8Array<ArrayBuffer> });
}

async function decoded(runtime: Runtime, image?: Uint8Array): Promise<string> {
  if (image !== undefined) await sent(runtime, image);
  return (await fetch(runtime.address, { method: 'POST' })).text();
}
