/**
 * What can be said of a message: rules that it breaks, with the section that states them, and what of it is
 * not known (no rule). Sentences never contain captured bytes.
 */
const LABELS = {
  cut: [null, 'The stream ended before the message did.'],
  open: [null, 'The trace ended before the message did.'],
  gap: [null, 'Bytes of the message are missing.'],
  truncated: [null, 'Bytes of the message were left out by the capture limit.'],
  'content-memory': [null, 'The content is not kept: the memory for captured bytes is used up.'],
} as const satisfies Record<string, readonly [rule: string | null, message: string]>;

export type LabelName = keyof typeof LABELS;

/** Section and sentence of a label. The rule is null when nobody broke one. */
export function labelText(name: LabelName): { readonly rule: string | null; readonly message: string } {
  const [rule, message] = LABELS[name];
  return { rule, message };
}
