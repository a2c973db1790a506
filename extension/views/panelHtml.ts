/** The page of the panel's webview. Apart from panel.ts, so that a test can load it in a browser without VS Code. */

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
}

/**
 * Nothing is allowed but this one script, the extension's own styles, and images whose bytes stand in the page
 * (captured ones, see details/image.ts): no inline script or style, no connection anywhere. Captured text that
 * found its way into the page could do nothing there.
 */
export function panelHtml({ nonce, source, trusted, supported, script, style }: PanelPage): string {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    'img-src data:',
    `font-src ${source}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="${style}">
<title>HTTP Trace</title>
</head>
<body data-trusted="${trusted}" data-supported="${supported}">
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
