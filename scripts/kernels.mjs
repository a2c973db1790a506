// Debian's kernels in QEMU, for tests: `node scripts/kernels.mjs fetch` gets them by the package manager,
// `node scripts/kernels.mjs run RELEASE COMMAND…` boots one over this machine's own files (read-only) and runs
// a command in it. Plain Node without dependencies. Software emulation: 10 to 50 times slower than native.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { statAfterName } from './processTree.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache/kernels');

/** Packages that depend on the newest kernel of a series. Not the `-cloud` ones: they have no 9p. */
const META_PACKAGES = ['linux-image-amd64', 'linux-image-6.12-amd64'];
/** Modules for 9p over virtio and an overlay, in load order; those that are missing are built in. */
const MODULES = [
  'netfs',
  'fscache',
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  '9pnet',
  '9pnet_virtio',
  '9p',
  'overlay',
];
/** From power on to the command, in milliseconds of processor time; it takes about 20 s. */
const BOOT_TIMEOUT = 120_000;
/**
 * An emulated machine's limit is in processor time, as it has a low priority: on a busy host it takes many times as
 * long. One that hangs without using any is killed after this many times its limit.
 */
const WAITING_FACTOR = 10;
/** How often its processor time is read, in milliseconds. */
const LOOK = 2_000;
/** Milliseconds of a clock tick in /proc/PID/stat (USER_HZ). */
const TICK = 10;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Bytes of the serial log that are shown of a failure. */
const LOG_TAIL = 6_000;

/** Kernels cannot be had or started here; the message says what to do. */
export class KernelError extends Error {
  name = 'KernelError';
}

/** Why this machine cannot use Debian's kernels at all, or null. That does not count as a failure. */
export function whyNoKernels() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'other kernels are emulated on x64 only';
  const system = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^ID=debian$/m.test(system)
    ? null
    : "other kernels are those of Debian's archive, and this is not Debian";
}

/**
 * The kernels, fetched and unpacked if missing. Quick the second time, without running any command.
 * @returns {{ release: string, version: string, folder: string }[]} version: `6.1`, `6.12`
 * @throws KernelError
 */
export function ensureKernels() {
  const reason = whyNoKernels();
  if (reason !== null) throw new KernelError(`${reason[0].toUpperCase()}${reason.slice(1)}.`);
  for (const [command, name] of [
    ['qemu-system-x86_64', 'qemu-system-x86'],
    ['busybox', 'busybox-static'],
  ]) {
    if (find(command) === null) throw new KernelError(`${command} is missing: apt-get install ${name}.`);
  }
  return META_PACKAGES.map(ensureKernel);
}

/** The file of a command, or null. */
function find(command) {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/bin', '/bin', '/usr/sbin', '/sbin');
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path)) ?? null;
}

function ensureKernel(meta) {
  const stamp = join(cache, `${meta}.json`);
  if (existsSync(stamp)) {
    const kernel = JSON.parse(readFileSync(stamp, 'utf8'));
    // Made by another version of this file, its /init may do something else.
    if (kernel.recipe === recipe() && existsSync(join(kernel.folder, 'initramfs'))) return kernel;
  }
  const name = dependencyOf(meta);
  const release = name.replace('linux-image-', '');
  const folder = join(cache, release);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'unpack-'));
  try {
    console.log(`Fetching ${name} …`);
    run('apt-get', ['download', '--quiet', name], { cwd: work }, `${name} could not be fetched`);
    const [file] = readdirSync(work).filter((entry) => entry.endsWith('.deb'));
    const unpacked = join(work, 'unpacked');
    run('dpkg', ['-x', join(work, file), unpacked], {}, `${file} could not be unpacked`);
    const made = join(work, 'made');
    mkdirSync(made);
    renameSync(join(unpacked, 'boot', `vmlinuz-${release}`), join(made, 'vmlinuz'));
    writeFileSync(join(made, 'initramfs'), initramfs(modulesOf(join(unpacked, 'lib/modules', release))));
    renameSync(made, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const version = release.split('.').slice(0, 2).join('.');
  const kernel = { release, version, folder, recipe: recipe() };
  writeFileSync(stamp, JSON.stringify(kernel));
  return kernel;
}

/** Hash of what an initramfs is made of besides kernel files. */
function recipe() {
  return createHash('sha256')
    .update(JSON.stringify([INIT, MODULES]))
    .digest('hex');
}

/** The kernel's own package, renamed by every security update. */
function dependencyOf(meta) {
  const ask = () => spawnSync('apt-cache', ['show', '--no-all-versions', meta], { encoding: 'utf8' });
  let shown = ask();
  if (shown.error !== undefined) {
    throw new KernelError('There is no apt-cache: the kernels are fetched as Debian packages.');
  }
  if (shown.status !== 0) {
    spawnSync('apt-get', ['update', '--quiet'], { stdio: 'inherit' });
    shown = ask();
  }
  const found = /^Depends:.*?\b(linux-image-\d\S*)/m.exec(shown.stdout);
  if (found === null) {
    throw new KernelError(`apt knows no ${meta}: Debian 12 with its security updates is needed.`);
  }
  return found[1];
}

function run(command, args, options, message) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.status === 0) return result.stdout;
  throw new KernelError(`${message}: ${(result.stderr || result.error?.message || '').trim()}`);
}

/** [name in the initramfs, content] of each loadable module. */
function modulesOf(folder) {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const unpackers = { '.ko': null, '.ko.xz': 'xz', '.ko.zst': 'zstd' };
  return MODULES.flatMap((name, index) => {
    for (const [suffix, unpacker] of Object.entries(unpackers)) {
      const entry = all.find((candidate) => candidate.name === name + suffix);
      if (entry === undefined) continue;
      const path = join(entry.parentPath ?? entry.path, entry.name);
      const content =
        unpacker === null
          ? readFileSync(path)
          : run(unpacker, ['-dc', path], { encoding: 'buffer' }, `${basename(path)} could not be unpacked`);
      return [[`modules/${String(index).padStart(2, '0')}-${name}.ko`, content]];
    }
    return [];
  });
}

const INIT = `#!/bin/sh
b=/bin/busybox
fail() { echo "VM-TROUBLE $*"; $b poweroff -f; }
$b mount -t proc proc /proc && $b mount -t sysfs sys /sys && $b mount -t devtmpfs dev /dev || fail "no /proc"
for m in /modules/*.ko; do $b insmod $m || fail "insmod $m"; done
o=trans=virtio,version=9p2000.L,msize=262144
$b mount -t 9p -o $o,ro,cache=loose host /host || fail "the machine's files are not there"
$b mount -t tmpfs -o size=1500m upper /upper && $b mkdir /upper/files /upper/work || fail "no memory"
$b mount -t overlay -o lowerdir=/host,upperdir=/upper/files,workdir=/upper/work over /new || fail "no overlay"
for d in proc sys dev; do $b mount --move /$d /new/$d; done
$b mkdir -p /new/dev/shm /new/dev/pts
$b mount -t tmpfs shm /new/dev/shm; $b mount -t devpts pts /new/dev/pts
$b mount -t tmpfs run /new/run; $b chmod 1777 /new/dev/shm
$b mount -t tracefs tracing /new/sys/kernel/tracing; $b mount -t bpf bpf /new/sys/fs/bpf
$b mount -t cgroup2 cgroup /new/sys/fs/cgroup
$b mkdir /new/run/out && $b mount -t 9p -o $o,cache=none out /new/run/out || fail "no way out"
$b ip link set lo up; $b hostname matrix
$b cp /command /new/run/command
echo VM-BEGIN
$b chroot /new /bin/sh /run/command; s=$?
echo $s > /new/run/out/status
echo "VM-END $s"
$b poweroff -f
`;

function initramfs(modules) {
  const busybox = readFileSync(find('busybox'));
  const folders = ['bin', 'modules', 'proc', 'sys', 'dev', 'host', 'upper', 'new'];
  return cpio([
    ...folders.map((name) => [name, null]),
    ['bin/busybox', busybox, 0o100755],
    ['bin/sh', busybox, 0o100755],
    ['init', Buffer.from(INIT), 0o100755],
    ...modules,
  ]);
}

/**
 * An archive of the `newc` format (Documentation/driver-api/early-userspace/buffer-format.rst).
 * @param {[string, Buffer | null, number?][]} entries name, content or null for a folder, mode
 */
function cpio(entries) {
  const parts = [];
  const padded = (bytes) => [bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)];
  const add = (name, content, mode, inode) => {
    const path = Buffer.from(`${name}\0`);
    const numbers = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0];
    const header = `070701${numbers.map((n) => n.toString(16).padStart(8, '0')).join('')}`;
    parts.push(...padded(Buffer.concat([Buffer.from(header), path])), ...padded(content));
  };
  for (const [index, [name, content, mode = 0o100644]] of entries.entries()) {
    add(name, content ?? Buffer.alloc(0), content === null ? 0o040755 : mode, index + 1);
  }
  add('TRAILER!!!', Buffer.alloc(0), 0, 0);
  return Buffer.concat(parts);
}

/**
 * Boots a kernel, runs a shell script as root in it and ends it. The script sees this machine's files through an
 * overlay, including /tmp, where a checkout may be, and its own /run. What it writes below /run/out is in `out` here.
 * @param {{ release: string, folder: string }} kernel
 * @param {{ script: string, out: string, timeout: number, onLine?: (line: string) => void }} options timeout of
 *   the script, in milliseconds of processor time; onLine: each line that it prints
 * @returns {Promise<{ status: number, log: string }>} of the script
 * @throws KernelError when it did not start, end or report its status; the message has the serial log's end
 */
export async function boot(kernel, { script, out, timeout, onLine = () => {} }) {
  const work = mkdtempSync(join(tmpdir(), 'http-trace-kernel-'));
  try {
    const image = join(work, 'initramfs');
    const command = cpio([['command', Buffer.from(`${script}\n`), 0o100755]]);
    writeFileSync(image, Buffer.concat([readFileSync(join(kernel.folder, 'initramfs')), command]));
    rmSync(join(out, 'status'), { force: true });
    const { log, trouble } = await emulate(kernel, image, out, timeout, onLine);
    if (trouble === null && existsSync(join(out, 'status'))) {
      return { status: Number(readFileSync(join(out, 'status'), 'utf8')), log };
    }
    const why = trouble ?? /VM-TROUBLE (.*)/.exec(log)?.[1] ?? 'the machine ended too early';
    throw new KernelError(`${kernel.release}: ${why}. Its last words:\n${log.slice(-LOG_TAIL)}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function emulate(kernel, image, out, timeout, onLine) {
  const share = (path, tag, more) =>
    `local,path=${path},mount_tag=${tag},security_model=none,multidevs=remap${more}`;
  // Not `-accel kvm`: it hangs inside other virtual machines. Not `-cpu max`: 6.12 crashes with several threads.
  const child = spawn(
    find('qemu-system-x86_64'),
    [
      ...[
        '-accel',
        // One thread for both processors: with two, one may run code that the other has half patched (static keys,
        // trampolines), and the kernel ends with "Oops: int3". It takes a tenth less processor time, too.
        'tcg,thread=single',
        '-cpu',
        // Without AVX, which Node and the C library would use: emulating it takes a third more time.
        'Nehalem',
        '-smp',
        '2',
        '-m',
        '2G',
        '-nographic',
        '-no-reboot',
      ],
      ...['-nic', 'none', '-kernel', join(kernel.folder, 'vmlinuz'), '-initrd', image],
      // CPU vulnerability mitigations, page table isolation above all, halve the speed of an emulated processor. On a
      // busy host timer interrupts come late: the kernel would consider the timer broken, and panic.
      ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off no_timer_check rdinit=/init'],
      ...['-virtfs', share('/', 'host', ',readonly=on'), '-virtfs', share(out, 'out', '')],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise((resolve, reject) => {
    let log = '';
    let line = '';
    let trouble = null;
    let inside = false;
    const give = (why) => {
      trouble = why;
      child.kill('SIGKILL');
    };
    let limit = limited(child, BOOT_TIMEOUT, (spent) => give(`it did not start within ${spent}`));
    const take = (text) => {
      log += text;
      const lines = (line + text).split(/\r*\n/);
      line = lines.pop();
      for (const whole of lines) {
        if (whole.endsWith('VM-BEGIN')) {
          inside = true;
          clearInterval(limit);
          limit = limited(child, timeout, (spent) => give(`its script did not end within ${spent}`));
        } else if (whole.startsWith('VM-END')) {
          inside = false;
        } else if (inside) {
          onLine(whole);
        }
      }
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take);
    child.once('error', (error) => {
      clearInterval(limit);
      reject(new KernelError(`QEMU did not start: ${error.message}`));
    });
    child.once('close', () => {
      clearInterval(limit);
      resolve({ log, trouble });
    });
    // QEMU ends with this process.
    const end = () => child.kill('SIGKILL');
    const stop = () => process.exit(1);
    process.once('exit', end);
    for (const signal of SIGNALS) process.once(signal, stop);
    child.once('close', () => {
      process.off('exit', end);
      for (const signal of SIGNALS) process.off(signal, stop);
    });
  });
}

/**
 * Calls `over` when a process has used so much processor time from now on, or has waited far too long for it.
 * @param {number} limit in milliseconds
 * @returns what clearInterval takes
 */
function limited({ pid }, limit, over) {
  const begin = performance.now();
  const before = processorTime(pid);
  return setInterval(() => {
    const used = processorTime(pid) - before;
    const waited = performance.now() - begin;
    if (used < limit && waited < limit * WAITING_FACTOR) return;
    over(`${(used / 1000).toFixed(0)} s of processor time (${(waited / 1000).toFixed(0)} s)`);
  }, LOOK);
}

/** Milliseconds, of all threads; 0 when it has ended. */
function processorTime(pid) {
  try {
    const fields = statAfterName(pid).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  } catch {
    return 0;
  }
}

async function main([what, release, ...command]) {
  const kernels = ensureKernels();
  if (what === 'fetch') {
    for (const kernel of kernels) console.log(`${kernel.version.padEnd(6)}${kernel.release}`);
    return 0;
  }
  const kernel = kernels.find((one) => one.release === release || one.version === release);
  if (what !== 'run' || kernel === undefined || command.length === 0) {
    throw new KernelError('Say fetch, or run RELEASE COMMAND…');
  }
  const out = mkdtempSync(join(tmpdir(), 'http-trace-out-'));
  try {
    const { status } = await boot(kernel, {
      script: command.join(' '),
      out,
      timeout: 600_000,
      onLine: (text) => console.log(text),
    });
    return status;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then(
    (status) => process.exit(status),
    (error) => {
      if (!(error instanceof KernelError)) throw error;
      console.error(`kernels: ${error.message}`);
      process.exit(1);
    },
  );
}
