/**
 * The texts of the user interface in the user's language. English is in the code and is the key, as with
 * `vscode.l10n.t`, which code without VS Code (the panel, the command line, tests) cannot call. Nothing is translated
 * until {@link setLanguage}, which the command line never calls: what programs read stays English.
 *
 * scripts/l10n.mjs collects the texts, so calls must pass literals.
 */

/** English text → text of the language. */
export type Texts = Readonly<Record<string, string>>;

let known: Texts = {};
let tag = 'en';

/**
 * Tables are translated as soon as their file is loaded: an entry point's first import calls this.
 * @param language a BCP 47 tag, as `de`: that of the texts.
 */
export function setLanguage(language: string, translated: Texts): void {
  tag = language;
  known = translated;
}

/** A BCP 47 tag: the language that texts are in. */
export function language(): string {
  return tag;
}

/** All texts of that language; empty for English. */
export function texts(): Texts {
  return known;
}

/** The text in the user's language, with `{0}`, `{1}`, … replaced. Inserted values are never translated. */
export function t(text: string, ...values: readonly (string | number)[]): string {
  const translated = Object.hasOwn(known, text) ? known[text]! : text;
  if (values.length === 0) return translated;
  return translated.replace(/\{(\d+)\}/g, (placeholder, index) =>
    String(values[Number(index)] ?? placeholder),
  );
}
