import { z } from 'zod';
import { withoutSecrets } from './secret.ts';

export const LogLevel = z.enum(['info', 'error']);
export type LogLevel = z.infer<typeof LogLevel>;

/** One line of the log. It holds neither addresses nor headers nor bodies: those carry secrets. */
export const LogLine = z.strictObject({
  time: z.iso.datetime(),
  level: LogLevel,
  /** What happened: `request`, or what went wrong. */
  event: z.string(),
  requestId: z.string().optional(),
  /** The caller's own name of the request. */
  callerRequestId: z.string().optional(),
  account: z.string().optional(),
  /** Id of the key, never the key; none where a signed link was enough. */
  key: z.string().optional(),
  method: z.string().optional(),
  /** Pattern of the route, never the path. */
  route: z.string().optional(),
  status: z.int().optional(),
  /** Until the answer began. */
  milliseconds: z.number().optional(),
  model: z.string().optional(),
  job: z.string().optional(),
  frame: z.int().optional(),
  attempt: z.int().optional(),
  /** Code of a refusal; name and message of a fault. */
  error: z.string().optional(),
  /** Where a fault was thrown. */
  stack: z.string().optional(),
});
export type LogLine = z.infer<typeof LogLine>;

/** Writes one line. */
export type Log = (line: Omit<LogLine, 'time'>) => void;

/**
 * A log of JSON lines.
 * @param clock milliseconds since 1970
 */
export function jsonLog(
  write: (level: LogLevel, text: string) => void,
  clock: () => number,
  lowest: LogLevel,
): Log {
  return (line) => {
    if (lowest === 'error' && line.level !== 'error') return;
    const time = new Date(clock()).toISOString();
    write(line.level, JSON.stringify({ time, ...line } satisfies LogLine));
  };
}

/** What the log keeps of a fault: messages may quote what a caller sent, so that whatever looks like a secret is cut. */
export function fault(error: unknown): Pick<LogLine, 'error' | 'stack'> {
  if (!(error instanceof Error)) return { error: withoutSecrets(String(error)) };
  // The stack begins with the message, which may have lines of its own.
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { error: withoutSecrets(`${error.name}: ${error.message}`), stack: frames.join('\n') };
}
