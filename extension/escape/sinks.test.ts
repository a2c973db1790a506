/**
 * Every place where text leaves for a terminal, the clipboard, a notification or a line of the window. Each call's
 * argument is one of the functions that make captured text harmless, or is ours alone and says here why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

interface Sink {
  readonly name: string;
  /** Folder below `extension`; all of it when left out. */
  readonly within?: string;
  /** Up to where its text begins. */
  readonly call: RegExp;
  /** What its text may begin with. */
  readonly safe: RegExp;
  /** `file: argument` to the reason why it is harmless. */
  readonly except?: Readonly<Record<string, string>>;
}

/** A text without anything put into it, also in the user's language. */
const OURS = /^(?:'[^']*'|"[^"]*"|`[^`$]*`|t\(\s*(?:'[^']*'|"[^"]*"),?\s*\))\s*[,)}]/;

const SINKS: readonly Sink[] = [
  {
    name: 'clipboard',
    call: /clipboard\s*\.writeText\(\s*/g,
    safe: /^copied(?:Line|Text)\(/,
  },
  {
    name: 'notification',
    call: /show(?:Error|Warning|Information)Message\(\s*/g,
    safe: /^notificationText\(/,
    except: {
      'commands/problems.ts: message': 'a notificationText already',
      'debug/traceControl.ts: message': 'one of three sentences of ours',
    },
  },
  {
    name: 'title of a notification that shows progress',
    call: /ProgressLocation\.Notification,\s*title:\s*/g,
    safe: /^notificationText\(/,
  },
  {
    name: 'status bar message',
    call: /setStatusBarMessage\(\s*/g,
    safe: /^`\$\(info\) \$\{withoutIcons\(labelText\(/,
  },
  {
    name: 'standard error',
    call: /stderr\s*\.write\(\s*/g,
    safe: /^(?:visibleLines\(|`http-trace: \$\{visibleMessage\()/,
  },
  { name: 'console', call: /\bconsole\.\w+\(\s*/g, safe: /^never/ },
  {
    name: 'Markdown, which would be read as such',
    call: /new\s+(?:vscode\.)?MarkdownString\(\s*/g,
    safe: /^never/,
  },
  {
    name: 'JSON on standard output',
    call: /output\.write\(\s*/g,
    safe: /^jsonLine\(/,
    except: {
      'cli/main.ts: text': 'help, version and schema',
      'cli/doctor.ts: format': 'jsonLine, or a report of visible texts',
      'cli/printer.ts: this.#texts.join': 'what the formats write (below)',
      'cli/mcpServer.ts: TOO_LONG': 'a jsonLine',
      'cli/mcpServer.ts: text': 'jsonLine, by answer()',
    },
  },
  {
    name: 'formats of the command line',
    within: 'cli',
    call: /this\.#(?:target\.)?write\(\s*/g,
    safe: /^(?:jsonLine\(|this\.#(?:header|line)\(|`\$\{this\.#hasHeader \? '\\n' : ''\}\$\{summaryText\()/,
    except: {
      'cli/printer.ts: ': 'what the formats wrote',
      'cli/recordingFile.ts: ': 'a recording, which is binary',
    },
  },
  {
    name: 'the webview’s way to the clipboard',
    within: 'webview',
    call: /(?<![\w.])(?:this\.)?(?:actions\.|events\.)?copy\(\s*/g,
    safe: /^(?:copied(?:Line|Text)\(|`\$\{copiedLine\(|fields\.map\(\(\[name, value\]\) => `\$\{copiedLine\()/,
    except: {
      'webview/details/body.ts: body.text': 'lines: copiedText by the host (views/panel.ts)',
      'webview/details/messages.ts: text': 'lines: copiedText by the host',
      'webview/details/messages.ts: this.#full.text': 'lines: copiedText by the host',
      'webview/callList.ts: row': 'a row, whose URL goes through copiedLine (webview/app.ts)',
    },
  },
];

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'testing' ? [] : sources(path);
    return path.endsWith('.ts') && !path.endsWith('.test.ts') ? [path] : [];
  });
}

it.each(SINKS.map((sink) => [sink.name, sink] as const))(
  '%s',
  (_, { call, safe, within = '', except = {} }) => {
    const unsafe: string[] = [];
    const used = new Set<string>();
    for (const path of sources(join(ROOT, within))) {
      const text = readFileSync(path, 'utf8');
      for (const match of text.matchAll(call)) {
        const argument = text.slice(match.index + match[0].length, match.index + match[0].length + 200);
        if (safe.test(argument) || OURS.test(argument)) continue;
        const place = `${relative(ROOT, path)}: ${argument.split(/[,()?\n]/)[0]?.trim()}`;
        const known = Object.keys(except).find((start) => place.startsWith(start));
        if (known === undefined) unsafe.push(place);
        else used.add(known);
      }
    }
    expect(unsafe).toEqual([]);
    expect(Object.keys(except).filter((place) => !used.has(place))).toEqual([]);
  },
);
