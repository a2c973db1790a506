/** Of bpf.mjs, for the tests. */
export function bpfCommands(machine: 'x86' | 'arm64', output: string): [string, string[]][];
