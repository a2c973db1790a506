// `node scripts/arm64.mjs`: regenerates test/fixtures/arm64-*.btf, only those BTF types of Debian's arm64 kernels that
// the eBPF programs read. Needed when a program reads a new kernel field; test/trust/arm64.test.ts says so. Plain Node
// without dependencies; apt uses separate folders, so this system does not change.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bpfCommands } from './bpf.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const META_PACKAGES = { 6.1: 'linux-image-arm64', 6.12: 'linux-image-6.12-arm64' };
/** struct btf_header (include/uapi/linux/btf.h): magic, version, flags, its own length. */
const BTF_HEADER = Buffer.from('9feb010018000000', 'hex');
/** A kernel's own types; those of a vDSO or a test would be shorter. */
const BTF_SIZE_MIN = 1 << 20;

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.status === 0) return result.stdout;
  console.error(`arm64: ${command} ${args[0]}: ${result.stderr || result.error?.message}`);
  process.exit(1);
}

/** The section .BTF of an uncompressed kernel image. */
function btfOf(image) {
  for (let at = image.indexOf(BTF_HEADER); at >= 0; at = image.indexOf(BTF_HEADER, at + 1)) {
    const [types, typesLength, strings, stringsLength] = [8, 12, 16, 20].map((o) =>
      image.readUInt32LE(at + o),
    );
    const size = 24 + Math.max(types + typesLength, strings + stringsLength);
    if (size >= BTF_SIZE_MIN && at + size <= image.length) return image.subarray(at, at + size);
  }
  console.error('arm64: the kernel image has no types');
  process.exit(1);
}

const work = mkdtempSync(join(tmpdir(), 'http-trace-arm64-'));
try {
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, folder), { recursive: true });
  const own = Object.entries({
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Languages': 'none',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', ['update', ...own]);
  const object = join(work, 'programs.o');
  for (const [command, args] of bpfCommands('arm64', object)) run(command, args);
  for (const [version, meta] of Object.entries(META_PACKAGES)) {
    const [, name] = /^Depends:.*?\b(linux-image-\d\S*)/m.exec(
      run('apt-cache', ['show', '--no-all-versions', meta, ...own]),
    );
    const folder = join(work, version);
    mkdirSync(folder);
    console.log(`Fetching ${name} …`);
    run('apt-get', ['download', name, ...own], { cwd: folder });
    run('dpkg', ['-x', readdirSync(folder)[0], '.'], { cwd: folder });
    const whole = join(folder, 'whole.btf');
    const release = name.replace('linux-image-', '');
    writeFileSync(whole, btfOf(readFileSync(join(folder, 'boot', `vmlinuz-${release}`))));
    run('bpftool', ['gen', 'min_core_btf', whole, join(root, `test/fixtures/arm64-${version}.btf`), object]);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
