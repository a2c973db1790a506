/** Sets the language. Imported first by main.ts: text tables are built when their module loads. */
import { setLanguage } from '../words/translate.ts';

const { lang } = document.documentElement;
// The extension's own data; see panelHtml.ts.
const { textContent } = document.getElementById('texts') ?? { textContent: null };
if (textContent !== null) setLanguage(lang, JSON.parse(textContent));
