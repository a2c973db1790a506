/**
 * The helper of a trace, started by the loader with two inherited sockets while the programs are loading. It runs as
 * the user, with maps and links but no capability, and cannot write a file. When it ends, for whatever reason, its
 * descriptors close and nothing is left in the kernel.
 */
import { Socket } from 'node:net';
import { type Descriptors, type Facts, INHERITED, nameDescriptors, readFacts } from './facts.ts';
import { encodeJson } from './frames.ts';
import { mayBeKept, waitForResume } from './kept.ts';
import { loadNative, type Native } from './native.ts';
import { type Fault, FrameType } from './protocol.ts';
import { Session } from './session.ts';
import { libraryState } from './tls/candidates.ts';
import { TlsFinder } from './tls/finder.ts';

// Ctrl+C and timeout(1) signal the whole process group. But the client decides when the trace ends, and this process ends with
// it. SIGUSR1 would start Node's inspector.
const IGNORED = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;
for (const signal of IGNORED) process.on(signal, () => {});

const native = loadNative();
// Must come first: the broker sends the maps and links only after that.
native.harden();
let session: Session | null = null;
/** No trace is running, and another one may begin: kept.ts. */
let kept = false;
/** How many have begun. */
let traces = 0;
native.watch(INHERITED.socket, INHERITED.broker, () => {
  if (kept) process.exit(0);
  session?.endWithBroker();
});
void begin(process.argv[2] !== 'no-tls');

async function begin(tls: boolean): Promise<void> {
  // While the programs are being loaded.
  const finder = await TlsFinder.create();
  if (tls) finder.systemLibraries();
  const loaded = takeTrace();
  // The loader has reported the reason to the client.
  if (loaded === null) process.exit(1);
  const facts = readFacts(loaded.facts);
  const descriptors = nameDescriptors(loaded.descriptors, facts.links);
  const client = new Socket({ fd: INHERITED.socket, readable: true, writable: true });
  await serve(facts, descriptors, client, finder, false);
}

async function serve(
  facts: Facts,
  descriptors: Descriptors,
  client: Socket,
  finder: TlsFinder,
  resumed: boolean,
): Promise<void> {
  traces++;
  const ofTrace = { ...facts, keepable: mayBeKept(facts, traces) };
  const exit = (status: number) => process.exit(status);
  const onPaused = (forMs: number): void => {
    kept = true;
    const next = preparedFinder(facts);
    const resume = async (): Promise<void> => {
      kept = false;
      const { links: _closed, ...maps } = descriptors;
      await serve(facts, { ...maps, links: [] }, client, await next(), true);
    };
    waitForResume(
      client,
      forMs,
      () => void resume(),
      () => exit(0),
    );
  };
  session = new Session(native, ofTrace, descriptors, client, exit, { resumed, onPaused });
  if (resumed) {
    try {
      native.resumeTrace(INHERITED.broker);
    } catch (error) {
      const fault: Fault = {
        code: 'helper',
        message: `The trace cannot be begun again: ${(error as Error).message}.`,
      };
      client.end(encodeJson(FrameType.Fault, fault), () => exit(1));
      return;
    }
  }
  await session.start(finder);
}

/** Prepared while nobody waits for it, and again if system libraries have been installed since. */
function preparedFinder(facts: Facts): () => Promise<TlsFinder> {
  const make = async (): Promise<TlsFinder> => {
    const finder = await TlsFinder.create();
    if (facts.tlsAttach !== 'none') finder.systemLibraries();
    return finder;
  };
  const state = libraryState();
  const made = make();
  return async () => {
    if (libraryState() === state) return made;
    (await made).close();
    return make();
  };
}

function takeTrace(): ReturnType<Native['takeTrace']> | null {
  try {
    return native.takeTrace(INHERITED.broker);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return null;
    throw error;
  }
}
