/** Sets the language. Imported first by main.ts: tables of texts are made when their file is loaded. */
import { setLanguage } from '../words/translate.ts';

const { lang } = document.documentElement;
// Data of the extension's own; see panelHtml.ts.
const { textContent } = document.getElementById('texts') ?? { textContent: null };
if (textContent !== null) setLanguage(lang, JSON.parse(textContent));
