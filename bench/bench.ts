import { parseArgs } from 'node:util';
import { type ApiFigures, apiFigures } from './api-figures.ts';
import { computingFigures } from './computing-figures.ts';
import type { Figures } from './figures.ts';

const help = `npm run bench -- [model] [options]: measures a model (sprite) inside workerd, and the HTTP API around it

  --computing  only the model
  --api        only the API
  --help

Prints a table, then one JSON object as the last line.`;

const flag = { type: 'boolean', default: false } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { api: flag, computing: flag, help: flag },
});
if (values.help) console.log(help);
else await bench(positionals[0] ?? 'sprite');

async function bench(model: string): Promise<void> {
  const computing = values.api ? {} : await computingFigures(model);
  const api: Partial<ApiFigures> = values.computing ? {} : await apiFigures(model, told);
  const figures: Partial<Figures> = { ...computing, ...api };
  console.log(table(model, figures));
  console.log(JSON.stringify(figures));
}

function told(part: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${part.padEnd(40)}`);
}

function table(model: string, figures: Partial<Figures>): string {
  const rows: [string, keyof Figures, (value: number) => string][] = [
    ['frames a second, default steps', 'framesPerSecond', decimals(2)],
    ['multiply-adds a frame', 'multiplyAddsPerFrame', millions],
    ['8-bit matrix ceiling, multiply-adds a second', 'ceilingMultiplyAddsPerSecond', millions],
    ['share of the ceiling', 'ceilingShare', percent],
    ['cost of frame 200 over frame 20', 'costRatio200over20', decimals(3)],
    ['WebAssembly memory after 64 frames', 'wasmMemoryMiB', (value) => `${value.toFixed(1)} MiB`],
    ['session start, runtime included', 'sessionStartMs', milliseconds],
    ['K/V of a frame', 'kvBytesPerFrame', (value) => `${value} bytes`],
    ['K/V that a job keeps', 'kvBytesPerJob', (value) => `${value} bytes`],
    ['cost of frame 1,000 over frame 50, in a job', 'costRatio1000over50', decimals(3)],
    ['storage, alarms, settlement over computing', 'durabilityShare', percent],
    ['rows written for a frame', 'rowsWrittenPerFrame', decimals(2)],
    ['requests to objects for a frame', 'objectRequestsPerFrame', decimals(2)],
    ['stored for a frame, K/V apart', 'storedBytesPerFrame', (value) => `${value.toFixed(0)} bytes`],
    ['GET job at 200 a second, p99', 'getJobP99Ms', milliseconds],
    ['the same while generating, p99', 'getJobWhileGeneratingP99Ms', milliseconds],
    ['a decode step meanwhile', 'decodeStepMs', milliseconds],
    ['answers other than 200', 'getJobErrors', decimals(0)],
    ['create to first generated frame', 'createToFirstFrameMs', milliseconds],
    ['complete event streams of 1,000 at once', 'eventStreams', decimals(0)],
  ];
  const seen = rows.flatMap(([name, key, written]) => {
    const value = figures[key];
    return value === undefined ? [] : [[name, written(value)] as const];
  });
  const width = Math.max(...seen.map(([name]) => name.length));
  return [['model', model] as const, ...seen]
    .map(([name, value]) => `${name.padEnd(width)}  ${value}`)
    .join('\n');
}

function decimals(count: number): (value: number) => string {
  return (value) => value.toFixed(count);
}

function milliseconds(value: number): string {
  return `${value.toFixed(0)} ms`;
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function millions(value: number): string {
  return `${(value / 1e6).toFixed(0)} M`;
}
