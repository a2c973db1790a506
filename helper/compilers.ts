/**
 * How eagerly V8 optimizes the helper's code. The helper's startup takes some tens of milliseconds of JavaScript and of
 * the disassembler's WebAssembly; V8 would spend three times as long optimizing it, in its own threads, and finish when
 * the work is done. Later the helper has little to do: the addon moves the bytes.
 */
import { setFlagsFromString } from 'node:v8';

/** The first and last V8 versions known to have the flag: V8 complains on stderr about unknown flags. */
const FLAGS: readonly { readonly flag: string; readonly from: number; readonly to: number }[] = [
  // WebAssembly functions are validated on their first call, when they are compiled: few ever are called.
  { flag: '--wasm-lazy-validation', from: 11, to: 13 },
  // Approximate number of bytes executed before a WebAssembly function is optimized; by default 1.8 million.
  { flag: '--wasm-tiering-budget=1000000000', from: 11, to: 13 },
  // As above for JavaScript, by default 132 thousand. Really long work, such as searching a large file, is still optimized.
  { flag: '--interrupt-budget=1000000', from: 11, to: 11 },
  // Calls of a function, by default 400 and 3,000, and loop iterations in one call, by default 500.
  { flag: '--invocation-count-for-maglev=4000', from: 13, to: 13 },
  { flag: '--invocation-count-for-turbofan=30000', from: 13, to: 13 },
  { flag: '--invocation-count-for-osr=5000', from: 13, to: 13 },
];

/** Must run before anything else is loaded. */
export function compileLess(): void {
  const version = Number.parseInt(process.versions.v8, 10);
  for (const { flag, from, to } of FLAGS) if (version >= from && version <= to) setFlagsFromString(flag);
}
