import { ServiceError } from './client/video-client.ts';
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
  const isExpected = error instanceof ServiceError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(isExpected ? (error as Error).message : error);
  process.exit(1);
}
