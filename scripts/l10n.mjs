// `npm run l10n`: collects the texts of the sources into l10n/bundle.l10n.json, VS Code's format for translators, and
// reports what other languages lack. Texts are the literals in calls of `t` (extension/words/translate.ts) and
// `counted` (extension/words/numbers.ts), and those that are translated where they are shown (l10n/foreign.json).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Which arguments of a function are texts. */
const TEXTS = { t: [0], counted: [1, 2] };

/** The texts of one file. @throws Error if an argument that has to be a text is not a literal. */
export function textsOf(source, path = '') {
  const found = [];
  visit(parseAst(source, { lang: 'ts' }), (node) => {
    if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return;
    for (const position of TEXTS[node.callee.name] ?? []) {
      const text = literal(node.arguments[position]);
      if (text === null) {
        const line = source.slice(0, node.start).split('\n').length;
        throw new Error(`${path}:${line}: ${node.callee.name} needs a literal, with {0} for what varies.`);
      }
      found.push(text);
    }
  });
  return found;
}

function literal(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0].value.cooked;
  return null;
}

function visit(node, see) {
  if (Array.isArray(node)) for (const inner of node) visit(inner, see);
  else if (typeof node === 'object' && node !== null) {
    if (typeof node.type === 'string') see(node);
    for (const inner of Object.values(node)) if (typeof inner === 'object') visit(inner, see);
  }
}

/** All texts of the extension, sorted. */
export function allTexts() {
  const texts = new Set();
  for (const entry of readdirSync(join(root, 'extension'), { recursive: true, withFileTypes: true })) {
    if (!/(?<!\.test)\.ts$/.test(entry.name)) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    // They define the functions and call them with variables.
    if (/words\/(translate|numbers)\.ts$/.test(path)) continue;
    for (const text of textsOf(readFileSync(path, 'utf8'), path)) texts.add(text);
  }
  for (const text of foreignTexts()) texts.add(text);
  return [...texts].sort();
}

/** See extension/words/localized.ts. */
export function foreignTexts() {
  return JSON.parse(readFileSync(join(root, 'l10n/foreign.json'), 'utf8'));
}

/** All string literals, with {0}, {1}, … for what varies in them. */
export function literalsOf(source) {
  const found = [];
  visit(parseAst(source, { lang: 'ts' }), (node) => {
    if (node.type === 'Literal' && typeof node.value === 'string') found.push(node.value);
    if (node.type !== 'TemplateLiteral') return;
    const { quasis } = node;
    found.push(quasis.map(({ value }, i) => value.cooked + (i + 1 < quasis.length ? `{${i}}` : '')).join(''));
  });
  return found;
}

export function bundleText(texts) {
  return `${JSON.stringify(Object.fromEntries(texts.map((text) => [text, text])), null, 2)}\n`;
}

/** `{0} {1}`: what a text and its translation have in common. */
export function placeholders(text) {
  return [...new Set(text.match(/\{\d+\}/g))].sort().join(' ');
}

/** What is wrong with a translation of these texts, one line each. */
export function faultsOf(texts, translated) {
  const known = new Set(texts);
  return [
    ...texts.filter((text) => !Object.hasOwn(translated, text)).map((text) => `missing: ${text}`),
    ...Object.keys(translated)
      .filter((text) => !known.has(text))
      .map((text) => `stale: ${text}`),
    ...Object.entries(translated)
      .filter(([text, other]) => other.trim() === '' || placeholders(text) !== placeholders(other))
      .map(([text]) => `other placeholders: ${text}`),
  ];
}

/** File names in l10n/ of the languages besides English. */
export function translations() {
  return readdirSync(join(root, 'l10n')).filter((name) => /^bundle\.l10n\..+\.json$/.test(name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const texts = allTexts();
  writeFileSync(join(root, 'l10n/bundle.l10n.json'), bundleText(texts));
  console.log(`${texts.length} texts`);
  for (const name of translations()) {
    const translated = JSON.parse(readFileSync(join(root, 'l10n', name), 'utf8'));
    for (const fault of faultsOf(texts, translated)) {
      console.error(`l10n/${name}: ${fault}`);
      process.exitCode = 1;
    }
  }
}
