/** `http-trace`: the same helper and engine as in the editor, for terminals, scripts, tests and benchmarks. */
import manifest from '../../package.json';
import { readHangs } from '../capture/sentFileReader.ts';
import { TraceError } from '../capture/trace.ts';
import { type Command, parseCommandLine, UsageError } from './arguments.ts';
import { attach } from './attach.ts';
import { doctor } from './doctor.ts';
import schema from './exchange.schema.json';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, Exit } from './exitStatus.ts';
import { helpText } from './help.ts';
import { install, uninstall } from './install.ts';
import { mcp } from './mcp.ts';
import { StandardOutput } from './output.ts';
import { replay } from './replay.ts';
import { run } from './run.ts';
import { say } from './say.ts';

async function main(): Promise<number> {
  try {
    return await execute(parseCommandLine(process.argv.slice(2)));
  } catch (error) {
    if (error instanceof UsageError || error instanceof Exit || error instanceof TraceError) {
      say(error.message);
      return error instanceof Exit ? error.status : error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
    }
    throw error;
  }
}

function execute(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      return print(helpText(command.topic));
    case 'version':
      return print(`http-trace ${manifest.version}\n`);
    case 'schema':
      return print(`${JSON.stringify(schema, null, 2)}\n`);
    case 'run':
      return run(command.command, command.options);
    case 'attach':
      return attach(command.pids, command.cgroup, command.options);
    case 'replay':
      return replay(command.file, command.options, command.ownLimit);
    case 'mcp':
      return mcp(command.traced, command.options, command.ownLimit, manifest.version);
    case 'doctor':
      return doctor(command.format, command.pid);
    case 'install':
      return install(command.user, command.dialog);
    case 'uninstall':
      return uninstall(command.dialog);
  }
}

async function print(text: string): Promise<number> {
  const output = new StandardOutput(process.stdout);
  output.write(text);
  await output.end();
  return EXIT_OK;
}

// Everything is written and closed when main resolves; what might still be open (a timer, an ended helper's
// pipe) must not keep the command alive.
main().then((status) => {
  // exit(3) waits for all threads. One that opens a sent file may wait for a file system that never answers.
  if (readHangs()) process.kill(process.pid, 'SIGKILL');
  process.exit(status);
});
