/** Sets the language. Imported first by extension.ts: tables of texts are made when their file is loaded. */
import * as vscode from 'vscode';
import { setLanguage } from './words/translate.ts';

// Without a bundle for VS Code's language, English is shown.
const { bundle } = vscode.l10n;
if (bundle !== undefined) setLanguage(vscode.env.language, bundle);
