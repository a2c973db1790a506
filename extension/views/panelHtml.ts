/** The page of the panel's webview. Apart from panel.ts, so that a test can load it in a browser without VS Code. */
import type { Texts } from '../words/translate.ts';

export interface PanelPage {
  /** Unguessable, new for each page. */
  readonly nonce: string;
  /** Where the extension's own files come from (Webview.cspSource). */
  readonly source: string;
  /** false: Restricted Mode, in which nothing can be started. */
  readonly trusted: boolean;
  /** Calls can be captured on this machine. */
  readonly supported: boolean;
  readonly script: string;
  readonly style: string;
  /** BCP 47 tag of the texts. */
  readonly language: string;
  /** The texts of that language. */
  readonly texts: Texts;
}

/**
 * Nothing is allowed but this one script, the extension's own styles, and images whose bytes are in the page
 * (captured ones, see details/image.ts): no inline script or style, no connection anywhere. Captured text that
 * found its way into the page could do nothing there. The texts are a data block, to which the policy does not apply.
 */
export function panelHtml(page: PanelPage): string {
  const { nonce, source, trusted, supported, script, style, language } = page;
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    'img-src data:',
    `font-src ${source}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${tag(language)}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="${style}">
<title>HTTP Trace</title>
</head>
<body data-trusted="${trusted}" data-supported="${supported}">
<script type="application/json" id="texts">${data(page.texts)}</script>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}

/** A language that is not a BCP 47 tag is ignored. */
function tag(language: string): string {
  return /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/i.test(language) ? language : 'en';
}

/** As text of a script element, which `</script` would end and `<!--` would extend. */
function data(texts: Texts): string {
  return JSON.stringify(texts).replaceAll('<', '\\u003c');
}
