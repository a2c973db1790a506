import { INSTALLED_FOLDER } from '../elevation/trustedLoader.ts';
import type { Topic } from './arguments.ts';
import { DEFAULT_FORMAT, EXPORT_FORMAT, FORMAT_NAMES, FORMATS } from './formats.ts';

/** Where the texts of options begin. */
const INDENT = ' '.repeat(24);

/** The values of `--format`, each on a line of its own. */
const FORMAT_LINES = FORMAT_NAMES.map((name) => {
  const mark = name === DEFAULT_FORMAT ? ' (the default)' : '';
  return `${INDENT}${name}${mark}: ${FORMATS[name].help}.`;
}).join('\n');

const SHOW = `
  --format ${FORMAT_NAMES.join('|')}
${FORMAT_LINES}
  --output FILE         Write to FILE (mode 0600) instead of standard output. Until the trace ends
                        its name is FILE.partial (tail -F FILE.partial). Links are not followed.
  --filter EXPR         Only show exchanges that match, in the language of the panel's filter:
                        'status:>=400 or duration:>200ms -type:image', 'host:api.* header:x-id=7',
                        'body:/tea|coffee/'. README.md describes the language.
  --min-latency 50ms    Only show exchanges whose response took at least this long to begin. HTTP/1
                        is filtered in the kernel, which then keeps only the head of the request.
  --capture WHAT        Comma-separated: heads (no bodies) or bodies (both, the default);
                        requests or responses (omit the fields and body of the other).
  --max-body SIZE       Bytes of each body to keep: 64KiB (the default), none, all. Longer bodies
                        are truncated; their length is still shown.
  --proto DIR           Use the .proto files in DIR and below for the field names of gRPC messages.
  --show-secrets        Do not mask passwords, tokens and cookies.

  Sizes: 65536, 64KiB, 1MiB, 1MB (KiB = 1024 bytes, kB = 1000). Durations: 250us, 50ms, 1.5s, 2m.`;

const TRACE = `${SHOW}

  --record FILE         Save the raw records to FILE (mode 0600, secrets unmasked) for http-trace
                        replay. Until the trace ends its name is FILE.partial; what it holds so far
                        can be replayed.
  --no-children         Do not trace child processes.
  --duration 10s        Stop tracing after this time.
  --backend NAME        How to hook into the kernel: auto (the default: the first that works),
                        fentry, kprobe or tracepoint.
  --tls auto|none       Decrypt TLS by probes on the functions of TLS libraries (auto, the default),
                        or set no probes. multi and perf force one way to attach them.
  --ring-size SIZE      Size of the buffer between kernel and helper, a power of two.
  --backlog SIZE        Captured data that may wait in the helper: 256MiB (the default). When that
                        is nearly full, bodies are omitted first.
  --otlp URL            Send each call, once it has ended, as a span to the OpenTelemetry collector
                        at URL, such as http://127.0.0.1:4318 (OTLP/HTTP, JSON). Secrets are masked.
  --verbose             Report progress on standard error.`;

const TEXTS: Readonly<Record<Topic, string>> = {
  run: `http-trace run [options] -- COMMAND…

Runs the command and shows every HTTP call that it and its child processes make or answer, from
the first instruction on. Ends when the command ends.

The command keeps its standard input, output and error. The trace goes to standard output too, or,
with --output, to a file. Signals are passed on.

Options${TRACE}

Exit status: the command's (128 + n when signal n ended it, 127 when it was not found, 126 when it
could not be run); 2 for wrong usage or an output that cannot be written; 125 when tracing could not
start. In the last two cases the command was not run.
`,
  attach: `http-trace attach PID… [options]
http-trace attach --cgroup PATH [options]

Shows the HTTP calls of running processes, until all of them have ended, on Ctrl+C or after
--duration. Connections that were already open are shown from their next recognizable message on
and marked as joined late.

  --cgroup PATH         Trace all processes of a control group (a container, a systemd unit) and of
                        those below it. PATH as shown by /proc/PID/cgroup.

Options${TRACE}

Exit status: 0; 1 when a process could not be traced or the trace broke off; 2 for wrong usage.
`,
  replay: `http-trace replay FILE [options]

Shows the exchanges of a file made with --record, or of standard input when FILE is -. Needs no
privilege.

Options${SHOW}

Exit status: 0; 1 when the file is truncated or damaged (everything before the damage is shown); 2
when it is not a recording.
`,
  export: `http-trace export FILE [options]

Writes the exchanges of a file made with --record, or of standard input when FILE is -, in a format
for other programs: ${EXPORT_FORMAT} unless --format is given. Needs no privilege. Secrets are masked unless
--show-secrets is given.

Options${SHOW}

Exit status: as that of replay.
`,
  mcp: `http-trace mcp FILE [options]
http-trace mcp --attach PID[,PID…] [options]
http-trace mcp [options] -- COMMAND…

An MCP server on standard input and output, for agents outside of VS Code. It has two tools,
list_http_requests and get_http_request, over a recording, over running processes, or over a command
that it starts. Secrets are always masked. Ends, and ends the command, when its standard input is
closed. What the command prints goes to standard error.

Options
  --attach PID          Trace these running processes and their children.
  --max-body SIZE       Bytes of each body to keep: 64KiB (the default), none, all.
  --proto DIR           Use the .proto files in DIR and below for the field names of gRPC messages.
  --no-children, --backend, --tls, --ring-size, --backlog, --verbose: as those of run.

Exit status: 0; 1 when tracing could not start; 2 for wrong usage or a file that is not a recording.
`,
  doctor: `http-trace doctor [--format table|json] [--pid N]

Checks whether this system allows tracing, and says what is missing and how to fix it. Tries each
way to get the permission that needs no password. If one works, the eBPF programs are loaded and
removed again.

  --format table|json   Default: table.
  --pid N               Also check whether process N can be traced and its TLS decrypted.

Exit status: 0 when tracing is possible, else 1.
`,
  install: `http-trace install [--user NAME]

Installs the loader once, as root, in ${INSTALLED_FOLDER}: from then on tracing
asks for no password. Shows the command before sudo runs it as root. The loader may be started by
you, or by the named user; to add another user, install again. After an update of HTTP Trace, install
again: only an identical loader is used.

  --user NAME   Who may start it: a user's name or number.
  --dialog      Ask for the password in a window (polkit) instead of on the terminal.

Exit status: 0; 1 when it failed; with --dialog, 3 when no dialog can be shown and 4 when it was
dismissed.
`,
  uninstall: `http-trace uninstall

Removes what http-trace install made: the loader, its folder and its polkit action.

  --dialog      Ask for the password in a window (polkit) instead of on the terminal.

Exit status: as that of install.
`,
  schema: `http-trace schema

Prints the JSON Schema (2020-12) of the lines of --format json.
`,
};

const GENERAL = `http-trace shows every HTTP call of a program, live: no proxy, no certificate, no code changes.

  http-trace run [options] -- COMMAND…   trace a command from its first instruction
  http-trace attach PID… [options]       trace running processes
  http-trace replay FILE [options]       show a recorded trace; needs no privilege
  http-trace export FILE [options]       write a recorded trace as HAR or JSON
  http-trace doctor                      check whether this system allows tracing
  http-trace install                     install the loader once; no password from then on
  http-trace uninstall                   remove it again
  http-trace schema                      the JSON Schema of --format json
  http-trace COMMAND --help              the options of a command
  http-trace --version

Example: http-trace run --format json --output calls.jsonl -- npm test
`;

export function helpText(topic: Topic | null): string {
  return topic === null ? GENERAL : TEXTS[topic];
}
