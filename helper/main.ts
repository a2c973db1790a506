/**
 * The helper of a trace, started by the loader with two inherited sockets. It runs as the user, with maps and links but
 * no capability, and cannot write a file. When it ends, for whatever reason, its descriptors close and nothing is left
 * in the kernel.
 */
import { Socket } from 'node:net';
import { INHERITED, nameDescriptors, readFacts } from './facts.ts';
import { loadNative } from './native.ts';
import { Session } from './session.ts';

// Ctrl+C and timeout(1) reach the whole process group. The client decides when the trace ends, and this process ends with
// it. SIGUSR1 would start Node's inspector.
const IGNORED = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;
for (const signal of IGNORED) process.on(signal, () => {});

const facts = readFacts(process.argv[2]);
const native = loadNative();
// Before anything else: only then the broker hands over the maps and links.
native.harden();
let session: Session | null = null;
native.watch(INHERITED.socket, facts.tlsAttach === 'none' ? -1 : INHERITED.broker, () =>
  session?.endWithBroker(),
);
const descriptors = nameDescriptors(native.takeDescriptors(INHERITED.broker), facts.links);
const client = new Socket({ fd: INHERITED.socket, readable: true, writable: true });
session = new Session(native, facts, descriptors, client, (status) => process.exit(status));
void session.start();
