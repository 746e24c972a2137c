import { readFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat in a second: USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Fields of /proc/PID/stat, counted from the one behind the name: user time and system time. */
const [userField, systemField] = [11, 12];

/** CPU time of all threads of a process. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[userField]) + Number(fields[systemField])) / ticksPerSecond;
}

/** Memory of a process that is in use at this moment. */
export function residentMebibytes(pid: number): number {
  return statusMebibytes(pid, 'VmRSS');
}

/** The same without pages of files, such as the runtime's own code, which the system may drop and shares. */
export function privateMebibytes(pid: number): number {
  return statusMebibytes(pid, 'RssAnon');
}

/** The most that it had in use since it began, or since the peak was cleared. */
export function peakMebibytes(pid: number): number {
  return statusMebibytes(pid, 'VmHWM');
}

/** What the main thread of a process has computed, to the moment where it last gave the processor back. */
export function computedMilliseconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

function statusMebibytes(pid: number, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(
    readFileSync(`/proc/${pid}/status`, 'utf8'),
  )?.[1];
  return Number(kibibytes) / 1024;
}
