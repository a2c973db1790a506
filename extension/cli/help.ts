import { INSTALLED_FOLDER } from '../elevation/trustedLoader.ts';
import type { Topic } from './arguments.ts';

const SHOW = `
  --format table|json   table: one line an exchange. json: one exchange a line when it is
                        over, the summary as the last line (http-trace schema). Default: table.
  --output FILE         Write there (mode 0600) instead of to standard output. Until the end it
                        is FILE.partial (tail -F FILE.partial). Links are not followed.
  --min-latency 50ms    Leave out exchanges whose response began sooner (for HTTP/1 the kernel
                        leaves them out, and of the others only the request's head is kept).
  --capture WHAT        Comma-separated: heads (no bodies) or bodies (both, the default);
                        requests or responses (leave out the other's fields and body).
  --max-body SIZE       Bytes of each body to keep: 64KiB (the default), none, all.
                        Beyond it the length still counts.
  --proto DIR           Name the fields of gRPC messages by the .proto files there and below.
  --show-secrets        Do not mask passwords, tokens and cookies.`;

const TRACE = `${SHOW}
  --record FILE         Keep the raw records there (mode 0600, unmasked) for http-trace replay.
                        Until the end it is FILE.partial, which can be shown as far as it goes.
  --no-children         Do not follow the processes that a target starts.
  --duration 10s        Stop tracing after that time.
  --backend NAME        How to hook: auto (the default: the first that works), fentry, kprobe
                        or tracepoint.
  --tls auto|none       See what TLS libraries encrypt and decrypt (auto, the default), or leave
                        them alone. multi and broker force one way to attach to them.
  --ring-size SIZE      Buffer between kernel and helper, a power of two.
  --verbose             Say on standard error what is being done.`;

const TEXTS: Readonly<Record<Topic, string>> = {
  run: `http-trace run [options] -- COMMAND…

Runs the command and shows every HTTP call that it and its children make or answer, from the
first instruction on. Ends when the command ends.

The command keeps its standard input, output and error. The trace goes to standard output too,
or, with --output, to a file. Signals are passed on.

Options${TRACE}

Exit status: the command's (128 + n when signal n ended it; 127 when it was not found, 126 when it
could not be run); 2 for wrong usage or an output that cannot be written; 125 when tracing could
not start. In the last two cases the command was not run.
`,
  attach: `http-trace attach PID… [options]
http-trace attach --cgroup PATH [options]

Shows the HTTP calls of running processes, until all of them have ended, on Ctrl+C or after
--duration. Connections that were open already are shown from their next recognisable message
on and marked as joined late. --cgroup traces all processes of a control group (a container, a
systemd unit) and those below it: PATH as /proc/PID/cgroup shows it.

Options${TRACE}

Exit status: 0; 1 when a process could not be traced or the trace broke off; 2 for wrong usage.
`,
  replay: `http-trace replay FILE [options]

Shows the exchanges of a file made with --record, or of standard input for -. Needs no privilege.

Options${SHOW}

Exit status: 0; 1 when the file is cut or damaged (what is before that is shown); 2 when it is no
recording.
`,
  doctor: `http-trace doctor [--format table|json] [--pid N]

Says what this system offers for tracing, what is missing, and what to do about it. Each way to the
rights is tried, as far as that goes without a password; where one works, the kernel programs are
really loaded and removed again.

  --format table|json   Default: table.
  --pid N               Also say whether this process can be traced, and what of its TLS decrypted.

Exit status: 0 when tracing is possible, else 1.
`,
  install: `http-trace install [--user NAME]

Installs the loader once, as root, in ${INSTALLED_FOLDER}: from then on tracing
asks for no password. Shows the command that root runs, which sudo then asks for. Who may start the
loader is whoever asks, or the named user; another user is added by installing again. After an
update of HTTP Trace the loader is installed again, as only an equal one is used.

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

const GENERAL = `http-trace shows every HTTP call of a program as it happens: no proxy, no certificate, no change
to the program.

  http-trace run [options] -- COMMAND…   trace a command from its first instruction
  http-trace attach PID… [options]       trace running processes
  http-trace replay FILE [options]       show a recorded trace, without privilege
  http-trace doctor                      what this system offers, what is missing, what to do
  http-trace install                     install the loader once; no password from then on
  http-trace uninstall                   remove it again
  http-trace schema                      the JSON Schema of --format json
  http-trace COMMAND --help              the options
  http-trace --version

Example: http-trace run --format json --output calls.jsonl -- npm test
`;

export function helpText(topic: Topic | null): string {
  return topic === null ? GENERAL : TEXTS[topic];
}
