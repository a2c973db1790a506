/**
 * The helper of a trace, started by the loader with two inherited sockets, while the programs are being loaded. It runs as the user, with maps and links but
 * no capability, and cannot write a file. When it ends, for whatever reason, its descriptors close and nothing is left
 * in the kernel.
 */
import { Socket } from 'node:net';
import { INHERITED, nameDescriptors, readFacts } from './facts.ts';
import { loadNative, type Native } from './native.ts';
import { Session } from './session.ts';
import { TlsFinder } from './tls/finder.ts';

// Ctrl+C and timeout(1) reach the whole process group. The client decides when the trace ends, and this process ends with
// it. SIGUSR1 would start Node's inspector.
const IGNORED = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;
for (const signal of IGNORED) process.on(signal, () => {});

const native = loadNative();
// Before anything else: only then the broker hands over the maps and links.
native.harden();
let session: Session | null = null;
native.watch(INHERITED.socket, INHERITED.broker, () => session?.endWithBroker());
void begin(process.argv[2] !== 'no-tls');

async function begin(tls: boolean): Promise<void> {
  // While the programs are being loaded.
  const finder = await TlsFinder.create();
  if (tls) finder.systemLibraries();
  const loaded = takeTrace();
  // The loader has told the client why.
  if (loaded === null) process.exit(1);
  const facts = readFacts(loaded.facts);
  const descriptors = nameDescriptors(loaded.descriptors, facts.links);
  const client = new Socket({ fd: INHERITED.socket, readable: true, writable: true });
  session = new Session(native, facts, descriptors, client, (status) => process.exit(status));
  await session.start(finder);
}

function takeTrace(): ReturnType<Native['takeTrace']> | null {
  try {
    return native.takeTrace(INHERITED.broker);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return null;
    throw error;
  }
}
