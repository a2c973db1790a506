/**
 * The helper's program. With `--tls PID` it says, without any privilege, which TLS libraries a process of this user
 * has in memory, as JSON, and ends; otherwise it is the helper of a trace (main.ts), started by the loader.
 */
const [, , first, pid] = process.argv;

if (first === '--tls') void import('./tls/tell.ts').then(({ tell }) => tell(Number(pid)));
else void import('./main.ts');

export {};
