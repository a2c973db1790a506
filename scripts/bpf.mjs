// How the eBPF programs are compiled, for this architecture or another one. Plain Node without dependencies.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {'x86' | 'arm64'} machine whose registers and system calls they are for
 * @param {string} output the object
 * @returns {[string, string[]][]} commands and their arguments, to be run one after the other
 */
export function bpfCommands(machine, output) {
  const flags = [
    // No local path in the output: the same source makes the same bytes.
    `-ffile-prefix-map=${root}=.`,
    '-O2',
    '-g',
    '-Wall',
    '-Wextra',
    '-Wno-unused-parameter', // BPF_PROG names all arguments of a hook
    '-Werror',
  ];
  const target = ['-target', 'bpf', '-mcpu=v3', `-D__TARGET_ARCH_${machine}`];
  return [
    ['clang', [...flags, ...target, '-c', join(root, 'bpf/trace_http.bpf.c'), '-o', output]],
    // The debugging sections are of no use to the kernel; BTF stays.
    ['llvm-strip', ['-g', output]],
  ];
}
