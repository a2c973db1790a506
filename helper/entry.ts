/**
 * The helper's program. With `--tls PID` it prints as JSON which TLS libraries a process of this user has in memory; this
 * needs no privilege. Otherwise it is the helper of a trace (main.ts), started by the loader.
 */
import { compileLess } from './compilers.ts';

compileLess();
const [, , first, pid] = process.argv;

if (first === '--tls') {
  void import('./tls/reportLibraries.ts').then(({ reportLibraries }) => reportLibraries(Number(pid)));
} else {
  void import('./main.ts');
}
