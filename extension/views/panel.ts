/** The panel "HTTP Trace": hosts the webview, and executes its requests after validating them. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Marks, Trace } from '../capture/trace.ts';
import { Command, Context, focusCommand, MANAGE_TRUST, Setting, View } from '../contributions.ts';
import { copiedText } from '../escape/copied.ts';
import { language, t, texts } from '../words/translate.ts';
import {
  joinsBothEnds,
  nestsCalls,
  savedFilters,
  setJoinsBothEnds,
  setNestsCalls,
  setSavedFilters,
} from './listSettings.ts';
import { showError } from './notify.ts';
import { PanelFeed } from './panelFeed.ts';
import { panelHtml } from './panelHtml.ts';
import { isToHost, type PanelCommand, type ToHost, type ToWebview } from './webviewProtocol.ts';

const COMMANDS: Readonly<Record<PanelCommand, string>> = {
  start: Command.start,
  stop: Command.stop,
  clear: Command.clear,
  pickProcess: Command.pickProcess,
  manageTrust: MANAGE_TRUST,
  openTrace: Command.openTrace,
  whyNothing: Command.whyNothing,
};

/** How long VS Code may take to remove the view, and the least time between removals, in milliseconds. */
const AWAY_TIMEOUT = 2_000;
const PLACE_INTERVAL = 5_000;
/** How long a busy webview is waited for, in milliseconds. */
const LISTED_TIMEOUT = 5_000;

export class PanelProvider implements vscode.WebviewViewProvider {
  readonly #extensionUri: vscode.Uri;
  readonly #supported: boolean;
  readonly #marks: Marks;
  readonly #marksListener: { dispose(): void };
  #view: vscode.WebviewView | null = null;
  readonly #feed: PanelFeed;
  #ofView: vscode.Disposable[] = [];
  readonly #selected = new vscode.EventEmitter<number | null>();
  /** The call that is selected in the list; see SelectedCall. */
  readonly onDidSelect = this.#selected.event;
  /** When its pane was last recreated, as performance.now(). */
  #placed = Number.NEGATIVE_INFINITY;
  #answerListed: ((ids: readonly number[]) => void) | null = null;

  /** @param supported calls can be captured on this machine. */
  constructor(extensionUri: vscode.Uri, trace: Trace, supported: boolean, marks: Marks) {
    this.#supported = supported;
    this.#marks = marks;
    this.#marksListener = marks.onDidChange(() => this.#sendMarks());
    this.#extensionUri = extensionUri;
    this.#feed = new PanelFeed(trace, (message) => this.#view?.webview.postMessage(message) ?? gone);
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#forget();
    this.#view = view;
    const { webview } = view;
    webview.options = {
      enableScripts: true,
      enableCommandUris: false,
      localResourceRoots: [this.#resource('dist')],
    };
    this.#ofView = [
      webview.onDidReceiveMessage((message: unknown) => {
        if (isToHost(message)) this.#handle(message);
      }),
      view.onDidChangeVisibility(() => {
        // The webview is destroyed while hidden; when shown again it sends `ready`.
        if (!view.visible) this.#feed.hidden();
      }),
      view.onDidDispose(() => this.#forget()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        const ours = [Setting.joinBothEnds, Setting.nestCalls, Setting.savedFilters];
        if (ours.some((name) => change.affectsConfiguration(name))) this.#sendSettings();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.#feed.hidden();
        webview.html = this.#html(webview);
      }),
    ];
    webview.html = this.#html(webview);
  }

  /** Shows the panel, selects the call, scrolls to it and opens its details. */
  async reveal(id: number): Promise<void> {
    await vscode.commands.executeCommand(focusCommand(View.panel));
    await this.#feed.whenReady({ type: 'reveal', id });
  }

  /** Ids of the calls that the list has, filtered and in its order; null: the panel is not shown. */
  listed(): Promise<readonly number[] | null> {
    if (this.#view?.visible !== true) return Promise.resolve(null);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), LISTED_TIMEOUT);
      this.#answerListed = (ids) => {
        clearTimeout(timer);
        resolve(ids);
      };
      void this.#feed.whenReady({ type: 'listed' });
    });
  }

  /** The user has chosen to see this call with its secrets. */
  isRevealed(id: number): boolean {
    return this.#feed.isRevealed(id);
  }

  /** Shows the panel, and adds a term to its filter. */
  async narrow(term: string): Promise<void> {
    await vscode.commands.executeCommand(focusCommand(View.panel));
    await this.#feed.whenReady({ type: 'narrow', term });
  }

  /** Shows the panel with the cursor in the filter. */
  async focusFilter(): Promise<void> {
    await vscode.commands.executeCommand(focusCommand(View.panel));
    await this.#feed.whenReady({ type: 'focusFilter' });
  }

  dispose(): void {
    this.#marksListener.dispose();
    this.#forget();
    this.#feed.dispose();
    this.#selected.dispose();
  }

  #handle(message: ToHost): void {
    switch (message.type) {
      case 'ready':
        this.#sendSettings();
        this.#feed.ready();
        this.#sendMarks();
        return;
      case 'joinBothEnds':
        setJoinsBothEnds(message.joins).then(undefined, showError);
        return;
      case 'nestCalls':
        setNestsCalls(message.nests).then(undefined, showError);
        return;
      case 'savedFilters':
        setSavedFilters(message.filters).then(undefined, showError);
        return;
      case 'details':
        this.#feed.show(message.id, message.reveal);
        return;
      case 'message':
        this.#feed.showMessage(message.id, message.number);
        return;
      case 'search':
        this.#feed.search(message.search, message.query, message.ids);
        return;
      case 'selected':
        this.#selected.fire(message.id);
        return;
      case 'focus':
        void vscode.commands.executeCommand('setContext', Context.panelFocus, message.focused);
        return;
      case 'clipped':
        void this.#placeAnew();
        return;
      case 'listed':
        this.#answerListed?.(message.ids);
        this.#answerListed = null;
        return;
      case 'command':
        vscode.commands.executeCommand(COMMANDS[message.command]).then(undefined, showError);
        return;
      case 'openUris':
        for (const uri of message.uris.flatMap(readableUri))
          vscode.commands.executeCommand(Command.openTrace, uri).then(undefined, showError);
        return;
      case 'openFile': {
        const { name, bytes } = message;
        if (bytes === null) {
          showError(
            new Error(t('{0} is too large to be dropped, or cannot be read. Use Open Trace….', name)),
          );
          return;
        }
        const file = { name, content: bytes };
        vscode.commands.executeCommand(Command.openTrace, file).then(undefined, showError);
        return;
      }
      case 'copy':
        vscode.env.clipboard.writeText(copiedText(message.text)).then(undefined, showError);
        return;
      case 'openBodyLimit':
        vscode.commands
          .executeCommand('workbench.action.openSettings', `@id:${Setting.bodyLimit}`)
          .then(undefined, showError);
        return;
      case 'openSource':
        vscode.commands
          .executeCommand(Command.openSource, message.id, message.frame)
          .then(undefined, showError);
        return;
      case 'openMoment':
        vscode.commands.executeCommand(Command.openMoment, message.id).then(undefined, showError);
        return;
      case 'openBody':
        vscode.commands.executeCommand(Command.openBody, message.id, message.part).then(undefined, showError);
        return;
      default:
        message satisfies never;
    }
  }

  /** Recreates the pane if VS Code does not draw the moved panel: a new pane has the right place. */
  async #placeAnew(): Promise<void> {
    const view = this.#view;
    if (view?.visible !== true || performance.now() - this.#placed < PLACE_INTERVAL) return;
    this.#placed = performance.now();
    const away = new Promise<void>((resolve) => {
      setTimeout(resolve, AWAY_TIMEOUT);
      this.#ofView.push(view.onDidDispose(resolve));
    });
    await vscode.commands.executeCommand('setContext', Context.panelAway, true);
    await away;
    await vscode.commands.executeCommand('setContext', Context.panelAway, false);
    await vscode.commands.executeCommand(focusCommand(View.panel), { preserveFocus: true });
  }

  #sendSettings(): void {
    const settings: readonly ToWebview[] = [
      { type: 'joinBothEnds', joins: joinsBothEnds() },
      { type: 'nestCalls', nests: nestsCalls() },
      { type: 'savedFilters', filters: savedFilters() },
    ];
    for (const setting of settings) void this.#view?.webview.postMessage(setting);
  }

  /** After the initial messages of the feed, from `reset` on. */
  #sendMarks(): void {
    if (this.#view?.visible === true) void this.#feed.whenReady({ type: 'marks', marks: this.#marks.all });
  }

  #forget(): void {
    this.#feed.hidden();
    void vscode.commands.executeCommand('setContext', Context.panelFocus, false);
    for (const disposable of this.#ofView) disposable.dispose();
    this.#ofView = [];
    this.#view = null;
  }

  #resource(...path: string[]): vscode.Uri {
    return vscode.Uri.joinPath(this.#extensionUri, ...path);
  }

  #html(webview: vscode.Webview): string {
    return panelHtml({
      nonce: randomBytes(16).toString('base64url'),
      source: webview.cspSource,
      trusted: vscode.workspace.isTrusted,
      supported: this.#supported,
      script: String(webview.asWebviewUri(this.#resource('dist', 'webview.js'))),
      style: String(webview.asWebviewUri(this.#resource('dist', 'panel.css'))),
      language: language(),
      texts: texts(),
    });
  }
}

/** URI of a file on this machine; a remote window's Explorer uses its own scheme. */
function readableUri(text: string): vscode.Uri[] {
  try {
    const uri = vscode.Uri.parse(text, true);
    if (uri.scheme === 'file') return [uri];
    return uri.scheme === 'vscode-remote' ? [vscode.Uri.file(uri.path)] : [];
  } catch {
    return [];
  }
}

const gone: Promise<boolean> = Promise.resolve(false);
