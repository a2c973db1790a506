/** A name as the words that it is made of, whatever convention joins them. */

/** Characters of a name that are examined; the words that matter are at its end. Bounds the work per name. */
const MAX_NAME = 128;

/** Every character outside of ASCII letters and digits separates words. */
const RUN = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g;

/**
 * `accessToken`, `ACCESS_TOKEN`, `X-Access-Token` and `user[access.token]` end in the words `access`, `token`.
 * Numbers are left out: `password2` is a password, and `X-Hub-Signature-256` a signature.
 */
export function wordsOf(name: string): string[] {
  let text = name.length > MAX_NAME ? name.slice(-MAX_NAME) : name;
  // Full-width letters and the like read as the letters that they look like.
  if (/[^\0-\x7f]/.test(text)) text = text.normalize('NFKC');
  const words: string[] = [];
  for (const [word] of text.matchAll(RUN)) {
    const first = word.charCodeAt(0);
    if (first >= 48 && first <= 57) continue;
    words.push(word.toLowerCase());
  }
  return words;
}
