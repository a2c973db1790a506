/** The script that a process runs, from its command line: `shop.js` says more than `node`. */
import { basename } from 'node:path';

/** Options with a separate argument, by interpreter. */
const TAKES_NEXT: Readonly<Record<string, RegExp>> = {
  node: /^(?:-r|--require|--import|--loader|--experimental-loader|-C|--conditions|--env-file|--title)$/,
  python:
    /^(?:-[XW]|--connect|--listen|--log-to|--configure-.*|--adapter-access-token|--parent-session-pid)$/,
  ruby: /^(?:-[rICEF])$/,
  php: /^(?:-[cdz])$/,
  perl: /^(?:-[IMm])$/,
};
/** Code on the command line has no name. */
const INLINE = /^(?:-[ecp]|-pe|--eval|--print|-)$/;
/** Debuggers that the interpreter starts, and that then start the program. */
const LAUNCHERS = /(?:^|\/)(?:debugpy(?:\/__main__\.py)?|pydevd\.py|rdbg)$/;

/** null: only the program's name is known. */
export function scriptName(command: readonly string[]): string | null {
  const program = basename(command[0] ?? '');
  const [, interpreter] = /^(node|python|ruby|php|perl)(?:js)?[\d.]*$/.exec(program) ?? [];
  if (interpreter === undefined) return null;
  const takesNext = TAKES_NEXT[interpreter];
  for (let at = 1; at < command.length; at++) {
    const argument = command[at] ?? '';
    if (INLINE.test(argument)) return null;
    if (interpreter === 'python' && argument === '-m') {
      const module = command[at + 1] ?? '';
      if (!LAUNCHERS.test(module)) return module || null;
      at++;
    } else if (takesNext?.test(argument)) at++;
    else if (!argument.startsWith('-') && !LAUNCHERS.test(argument)) return basename(argument) || null;
  }
  return null;
}
