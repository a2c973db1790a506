/** The texts in other languages: complete, up to date, and with the same placeholders. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { HTTP1_RULES } from '../../extension/engine/http1/violations.ts';
import { HTTP2_RULES } from '../../extension/engine/http2/violations.ts';
import { LABELS } from '../../extension/engine/messages/labels.ts';
import { panelHtml } from '../../extension/views/panelHtml.ts';
import { localized } from '../../extension/words/localized.ts';
import { setLanguage, t } from '../../extension/words/translate.ts';
import {
  allTexts,
  bundleText,
  faultsOf,
  foreignTexts,
  literalsOf,
  textsOf,
  translations,
} from '../../scripts/l10n.mjs';

const root = join(import.meta.dirname, '../..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');
const json = (...path: string[]): Record<string, string> => JSON.parse(read(...path));

afterEach(() => setLanguage('en', {}));

describe('t', () => {
  it('is English without a language', () => {
    expect(t('{0} of {1}', 1, 'two')).toBe('1 of two');
    expect(t('{0} of {1}', 1)).toBe('1 of {1}');
  });

  it('translates, and takes what is put in as it is', () => {
    setLanguage('de', { 'Hello {0}': '{0}, hallo', '{0}': 'never' });
    expect(t('Hello {0}', 'Hello {0}')).toBe('Hello {0}, hallo');
    expect(t('Hello {0}', '$& {1} $1')).toBe('$& {1} $1, hallo');
    expect(t('Other')).toBe('Other');
    expect(t('constructor')).toBe('constructor');
  });
});

describe('the texts of the sources', () => {
  it('are the literals of the functions that translate', () => {
    const source = "t('a {0}', b); counted(n, '{0} one', '{0} many'); t.x('no'); other('no'); x(t(`b`));";
    expect(textsOf(source)).toEqual(['a {0}', '{0} one', '{0} many', 'b']);
  });

  it('have to be literals', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text.
    for (const argument of ['text', '`a ${b}`', "'a' + 'b'"])
      expect(() => textsOf(`t(${argument})`, 'file.ts')).toThrow('file.ts:1: t needs a literal');
  });

  it('are in l10n/bundle.l10n.json: `npm run l10n` writes it', () => {
    expect(read('l10n/bundle.l10n.json')).toBe(bundleText(allTexts()));
  });
});

describe('the texts that are translated where they are shown', () => {
  const made = new Set(
    ['extension', 'helper'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter(({ name }) => /(?<!\.test)\.ts$/.test(name))
        .flatMap(({ parentPath, name }) => literalsOf(readFileSync(join(parentPath, name), 'utf8'))),
    ),
  );

  it('are still in the sources', () => {
    expect(foreignTexts().filter((text) => !made.has(text))).toEqual([]);
  });

  it('are all that break rules, or limit what is known of a message', () => {
    const known = new Set(foreignTexts());
    const rules = [...Object.values(HTTP1_RULES), ...Object.values(HTTP2_RULES)].map(([, text]) => text);
    const labels = Object.values(LABELS).map(([, text]) => text);
    expect([...rules, ...labels].filter((text) => !known.has(text))).toEqual([]);
  });
});

describe('localized', () => {
  const german = {
    'TLS handshake failed: {0} sent by {1}': 'Handshake: {1} sendete {0}',
    '{0} (alert {1})': '{0} (Alert {1})',
    'the client': 'der Client',
    '{0} of {1}': '{1}: davon {0}',
    'Plain.': 'Schlicht.',
  };

  it('recognises what is ours, with its parts', () => {
    setLanguage('de', german);
    expect(localized('Plain.')).toBe('Schlicht.');
    expect(localized('TLS handshake failed: unknown_ca (alert 48) sent by the client')).toBe(
      'Handshake: der Client sendete unknown_ca (Alert 48)',
    );
  });

  it('leaves the rest as it is', () => {
    setLanguage('de', german);
    for (const text of ['', 'Plain', 'no alert', 'toString', 'x'.repeat(100_000)])
      expect(localized(text)).toBe(text);
  });

  it('is English without a language', () => {
    expect(localized('Plain.')).toBe('Plain.');
  });

  it('takes no longer for what others have written', () => {
    setLanguage('de', { '{0} a {1} a {2} a {3} b': '{0}{1}{2}{3}' });
    const text = ' a'.repeat(990);
    expect(localized(text)).toBe(text);
  });
});

describe('the page of the panel', () => {
  it('has the texts as data, which nothing in them ends, and the language', () => {
    const page = { nonce: 'n', source: 's', trusted: true, supported: true, script: 'x', style: 'y' };
    const texts = { '<!--': '</script><img src=x>' };
    const html = panelHtml({ ...page, language: 'de', texts });
    expect(html).toContain('<html lang="de">');
    expect(html.match(/<!--|<img|<\/script>/g)).toEqual(['</script>', '</script>']);
    const [, data = ''] = /id="texts">(.*?)<\/script>/.exec(html) ?? [];
    expect(JSON.parse(data)).toEqual(texts);
    expect(panelHtml({ ...page, language: '"><script>', texts: {} })).toContain('<html lang="en">');
  });
});

describe('a language', () => {
  it('is German', () => {
    expect(translations()).toEqual(['bundle.l10n.de.json']);
  });

  it.each(translations())('l10n/%s has every text, no other, and the same placeholders', (name) => {
    expect(faultsOf(allTexts(), json('l10n', name))).toEqual([]);
  });

  it('has no fault that is not found', () => {
    const texts = ['a', 'b {0}', 'c'];
    expect(faultsOf(texts, { a: 'A', 'b {0}': 'B', c: ' ', d: 'D' })).toEqual([
      'stale: d',
      'other placeholders: b {0}',
      'other placeholders: c',
    ]);
    expect(faultsOf(texts, {})).toEqual(['missing: a', 'missing: b {0}', 'missing: c']);
  });
});

describe('the manifest', () => {
  const manifest = read('package.json');
  const english = json('package.nls.json');
  const names = readdirSync(root).filter((name) => /^package\.nls\..+\.json$/.test(name));

  it('has every text that it names, and no other', () => {
    const used = [...manifest.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
    expect([...new Set(used)].sort()).toEqual(Object.keys(english).sort());
  });

  it('has no text of its own where people read it', () => {
    // What a language model reads, and names.
    const own = ['HTTP Trace', 'modelDescription', 'inputSchema'];
    const { contributes } = JSON.parse(manifest);
    const shown =
      /^(?:title|shortTitle|category|name|label|contents|altText|description|displayName)$|[dD]escriptions?$/;
    const found: string[] = [];
    const look = (value: unknown, key: string): void => {
      if (own.includes(key)) return;
      if (typeof value === 'string') {
        if (shown.test(key) && !value.startsWith('%') && !own.includes(value)) found.push(`${key}: ${value}`);
      } else if (Array.isArray(value)) {
        for (const inner of value) look(inner, key);
      } else if (typeof value === 'object' && value !== null) {
        for (const [name, inner] of Object.entries(value)) look(inner, name);
      }
    };
    look(contributes, '');
    // The names by which a language model and the settings know them.
    expect(found.filter((text) => !/^name: (?:list|get)_http_requests?$/.test(text))).toEqual([]);
  });

  it('is there in the same languages as the code', () => {
    expect(names.map((name) => name.replace('package.nls', 'bundle.l10n'))).toEqual(translations());
  });

  it.each(names)('%s has every text, and the same links, settings and code', (name) => {
    const translated = json(name);
    expect(Object.keys(translated)).toEqual(Object.keys(english));
    const marked = (text: string): string[] =>
      (text.match(/\]\(command:[\w.]+\)|`+[^`]+`+|https?:\S+\w/g) ?? []).sort();
    for (const [key, text] of Object.entries(translated)) {
      expect([key, text.trim()]).not.toEqual([key, '']);
      expect([key, marked(text)]).toEqual([key, marked(english[key]!)]);
    }
  });

  it('calls commands as the code does', () => {
    for (const name of names) {
      const translated = json(name);
      const bundle = json('l10n', name.replace('package.nls', 'bundle.l10n'));
      for (const [key, text] of Object.entries(english)) {
        if (/^command\.\w+$/.test(key)) expect([key, bundle[text]]).toEqual([key, translated[key]]);
      }
    }
  });
});
