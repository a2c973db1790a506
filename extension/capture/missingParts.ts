/** Describes what a trace lacks when the kernel refused an optional part of the programs. Pure. */
import { type Hello, KERNEL_PARTS, type KernelPart } from '../../helper/protocol.ts';

const CONSEQUENCES: Readonly<Record<KernelPart, string>> = {
  waiting: 'With --min-latency, requests that are still unanswered when the trace stops are not reported',
  begun:
    'Name lookups, and calls that were already waiting in the kernel when the trace started, are not seen',
  tls: 'TLS is not decrypted',
  hooks: 'Bytes that move through some less common socket functions are not seen',
  callers: 'Source lines of Go programs are not known',
  stacks: 'Source lines of C, C++ and Rust programs are not known',
};

/** One sentence for each missing part: what does not work, and the kernel's reason. */
export function missingPartNotes({ missing }: Pick<Hello, 'missing'>): string[] {
  return KERNEL_PARTS.flatMap((part) => {
    const reason = missing[part];
    return reason === undefined ? [] : [`${CONSEQUENCES[part]}: ${reason}.`];
  });
}
