import { styleText } from 'node:util';
import { LogLine } from '../contract/log.ts';

/** What a developer reads instead of a JSON line of the log; text that is none stays as it is. */
export function logText(text: string): string {
  const line = parsedLine(text);
  if (line === null) return text;
  const { time, event, status } = line;
  const clock = styleText('dim', new Date(time).toTimeString().slice(0, 8));
  return `${clock}  ${status === undefined || event !== 'request' ? faultText(line) : requestText(line, status)}`;
}

function parsedLine(text: string): LogLine | null {
  if (!text.startsWith('{')) return null;
  try {
    return LogLine.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function requestText(line: LogLine, status: number): string {
  const { method = '', route = '', milliseconds = 0, error, requestId = '' } = line;
  const colour = status < 400 ? 'green' : status < 500 ? 'yellow' : 'red';
  const cells = [
    method.padEnd(7),
    route.padEnd(34),
    styleText(colour, String(status)),
    `${milliseconds} ms`.padStart(8),
  ];
  if (error !== undefined) cells.push(styleText(colour, error));
  const text = cells.join('  ');
  return status < 500 ? text : `${text}  ${styleText('dim', requestId)}${stackText(line)}`;
}

function faultText(line: LogLine): string {
  const { event, error = '', job, frame, attempt, route } = line;
  const place = Object.entries({ job, frame, attempt, route })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  return `${styleText('red', event)}  ${error}  ${styleText('dim', place)}${stackText(line)}`;
}

function stackText({ stack = '' }: LogLine): string {
  return stack === '' ? '' : `\n${styleText('dim', stack)}`;
}
