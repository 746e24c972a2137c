import { ServiceError } from './client/service-error.ts';
import { demo } from './command/demo.ts';
import { start } from './command/start.ts';

const commands: Record<string, (args: string[]) => Promise<void>> = { demo, start };

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  console.error(`Commands: ${Object.keys(commands).join(', ')}; each takes --help.`);
  process.exit(2);
}
try {
  await command(args);
  process.exit(0);
} catch (error) {
  console.error(isUnderstandable(error) ? (error as Error).message : error);
  process.exit(1);
}

/** Refusals of the service, wrong options, missing files, taken ports: their messages say all there is to say. */
function isUnderstandable(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return error instanceof ServiceError || /^(ERR_PARSE_ARGS|ENOENT|EACCES|EADDRINUSE)/.test(code);
}
