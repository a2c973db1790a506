// Processes that were started here, with all that they started, and how they are ended.
import { readdirSync, readFileSync } from 'node:fs';

/** How long a process may take to end when asked to, before it is killed, in milliseconds. */
const END_TIMEOUT = 5_000;
/** The environment variable that identifies a process whose parents have ended before it. */
const RUN = 'HTTP_TRACE_RUN';

/**
 * @param {Record<string, string | undefined>} env
 * @param {string} run a name that no other run has
 * @returns the environment for a child that `ofRun` finds, with all that it starts
 */
export function environmentOfRun(env, run) {
  return { ...env, [RUN]: run };
}

/** Process ids of a run, whatever their parent is now; only those whose environment may be read. */
export function ofRun(run) {
  return processIds().filter((pid) => {
    if (pid === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${RUN}=${run}`);
    } catch {
      return false; // It has ended meanwhile, or is another user's.
    }
  });
}

/**
 * Ends a child and all its descendants, whichever process group they have moved to, and all of its run.
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} [run]
 */
export async function endTree(child, run) {
  const ids = treeOf(child, run);
  signal(ids, 'SIGTERM');
  const deadline = Date.now() + END_TIMEOUT;
  while (ids.some(alive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  // With what they have started meanwhile.
  signal([...ids, ...treeOf(child, run)].filter(alive), 'SIGKILL');
}

/** However this process ends, except by SIGKILL, neither a child nor its run stays behind. */
export function endWithThisProcess(child, run) {
  process.once('exit', () => signal(treeOf(child, run), 'SIGKILL'));
}

/** Lets signals end this process by `exit`, so that exit handlers run. */
export function exitOnSignals() {
  for (const [name, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }))
    process.once(name, () => process.exit(128 + number));
}

/** Process ids below this one, from /proc. */
export function descendants(pid) {
  const children = new Map();
  for (const id of processIds()) {
    const parent = parentOf(id);
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), id]);
  }
  const found = [];
  const queue = [pid];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    for (const below of children.get(id) ?? []) {
      found.push(below);
      queue.push(below);
    }
  }
  return found;
}

function treeOf({ pid, exitCode, signalCode }, run) {
  // The id of a child that has ended may be another's by now.
  const own = pid === undefined || exitCode !== null || signalCode !== null ? [] : [pid, ...descendants(pid)];
  return [...new Set([...own, ...(run === undefined ? [] : ofRun(run))])];
}

function processIds() {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

/** Like helper/procStat.ts, which a fresh clone's Node cannot load: the name may hold parentheses and spaces. */
export function statAfterName(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2);
}

function parentOf(pid) {
  try {
    return Number(statAfterName(pid).split(' ')[1]);
  } catch {
    return null; // It has ended meanwhile.
  }
}

function signal(ids, name) {
  for (const id of ids) {
    try {
      process.kill(id, name);
    } catch {
      // It has ended already.
    }
  }
}

function alive(pid) {
  try {
    return statAfterName(pid)[0] !== 'Z';
  } catch {
    return false;
  }
}
