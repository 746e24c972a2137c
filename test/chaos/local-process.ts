import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { serviceKey } from '../service-key.ts';

const run = promisify(execFile);

/** The service in processes of its own, as npm start runs it. */
export class LocalProcess {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  /** Starts the service on a free port with the storage that is in a folder. */
  static async start(dataFolder: string): Promise<LocalProcess> {
    const child = spawn(process.execPath, ['src/cli.ts', 'start', '--port', '0', '--data', dataFolder], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ADMIN_KEY: serviceKey },
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const address = /^Listening on (\S+)/.exec(line)?.[1];
      if (address !== undefined) return new LocalProcess(child, address);
    }
    throw new Error('the service ended before it listened');
  }

  /** kill -9 of the runtime and everything around it, at this very moment; nothing where it is dead already. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(this.#child.pid)]);
    const children = stdout.trim().split(/\s+/).filter(Boolean).map(Number);
    const ended = once(this.#child, 'exit');
    for (const pid of [...children, this.#child.pid as number]) killIfAlive(pid);
    await ended;
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error;
  }
}
