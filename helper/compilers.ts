/**
 * How eagerly V8 compiles the helper's code a second time. What the helper does at its start takes some tens of
 * milliseconds, of JavaScript and of the disassembler's WebAssembly; V8 would spend three times as much on optimizing
 * it, in threads of its own, and be done when the work is. Later the helper has little to do: the addon moves the bytes.
 */
import { setFlagsFromString } from 'node:v8';

/** The first and the last version of V8 that is known to have the flag: it complains on stderr about others. */
const FLAGS: readonly { readonly flag: string; readonly from: number; readonly to: number }[] = [
  // WebAssembly functions are validated when they are first called, as they are compiled then: few of them ever are.
  { flag: '--wasm-lazy-validation', from: 11, to: 13 },
  // Approximate number of bytes executed before a WebAssembly function is optimized; by default 1.8 million.
  { flag: '--wasm-tiering-budget=1000000000', from: 11, to: 13 },
  // As above for JavaScript, by default 132 thousand. Really long work, such as searching a large file, is still optimized.
  { flag: '--interrupt-budget=1000000', from: 11, to: 11 },
  // Calls of a function, by default 400 and 3,000, and turns of a loop in one call, by default 500.
  { flag: '--invocation-count-for-maglev=4000', from: 13, to: 13 },
  { flag: '--invocation-count-for-turbofan=30000', from: 13, to: 13 },
  { flag: '--invocation-count-for-osr=5000', from: 13, to: 13 },
];

/** Must run before anything else is loaded. */
export function compileLess(): void {
  const version = Number.parseInt(process.versions.v8, 10);
  for (const { flag, from, to } of FLAGS) if (version >= from && version <= to) setFlagsFromString(flag);
}
