import { z } from 'zod';

const marker = 'magi wake ';

/** What a traced wake tells: that it begins, or that it is over and what it computed. */
const WakeTrace = z.discriminatedUnion('event', [
  z.object({ event: z.literal('begins') }),
  z.object({
    event: z.literal('ends'),
    /** Milliseconds of all decode steps together, and of everything that the model computed. */
    decodeMs: z.number(),
    graphMs: z.number(),
  }),
]);
export type WakeTrace = z.infer<typeof WakeTrace>;

/** What a traced wake prints. */
export function traceText(trace: WakeTrace): string {
  return marker + JSON.stringify(trace);
}

/** What a line of the runtime's log tells of a wake; null for any other line. */
export function traceOf(line: string): WakeTrace | null {
  if (!line.includes(marker)) return null;
  const { message } = z.object({ message: z.string() }).parse(JSON.parse(line));
  return WakeTrace.parse(JSON.parse(message.slice(marker.length)));
}
