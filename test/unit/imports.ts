/**
 * Which folder may import which: the map's table of ARCHITECTURE.md, which imports.test.ts compares with every import.
 * Deeper folders belong to the longest entry that contains them. Tests may import anything.
 */

export interface ImportRule {
  /** Folders, or single files. */
  readonly values: readonly string[];
  /** Only types of these: they add nothing to the bundle. */
  readonly types?: readonly string[];
  /** Packages, besides Node's own modules; those are allowed unless {@link pure}. */
  readonly packages?: readonly string[];
  /** Without I/O or clock: only these modules of Node, which just compute. */
  readonly pure?: readonly string[];
}

/** What the helper and its clients share. */
const HELPER_BORDER = ['helper/protocol.ts', 'helper/frames.ts', 'helper/events.ts', 'helper/facts.ts'];

export const IMPORT_RULES: Readonly<Record<string, ImportRule>> = {
  helper: { values: ['helper/tls'] },
  'helper/tls': {
    values: ['helper/facts.ts', 'helper/procStat.ts', 'helper/workTime.ts'],
    types: ['helper'],
    packages: ['iced-x86'],
  },

  'extension/http': { values: [], pure: [] },
  'extension/escape': { values: [], pure: [] },
  'extension/privacy': { values: ['extension/http'], pure: [] },
  'extension/engine': {
    values: ['extension/http', 'extension/privacy'],
    packages: ['fzstd'],
    pure: ['node:buffer', 'node:crypto', 'node:zlib'],
  },
  'extension/words': {
    values: ['extension/engine/row.ts', 'extension/engine/url.ts', 'extension/engine/grpc/status.ts'],
    types: ['extension/engine'],
    pure: [],
  },
  'extension/export': {
    values: ['extension/escape', 'extension/http', 'extension/privacy/secrets.ts'],
    types: ['extension/engine'],
    pure: [],
  },
  'extension/import': {
    values: ['extension/http', 'extension/privacy', 'extension/engine'],
    pure: [],
  },
  'extension/resend': { values: ['extension/export', 'extension/http'] },
  'extension/filter': {
    values: [
      'extension/words',
      'extension/engine/row.ts',
      'extension/engine/grpc/status.ts',
      'extension/privacy/secrets.ts',
    ],
    types: ['extension/engine'],
    pure: [],
  },
  'extension/tools': {
    values: ['extension/engine/row.ts', 'extension/escape', 'extension/filter', 'extension/words'],
    types: ['extension/engine'],
    pure: [],
  },
  'extension/otlp': {
    values: ['extension/engine/row.ts', 'extension/http'],
    types: ['extension/engine'],
    pure: ['node:crypto', 'node:http', 'node:https'],
  },
  'extension/protos': {
    values: ['extension/engine/protobuf/schema.ts'],
    types: ['extension/capture/trace.ts'],
    packages: ['vscode', 'protobufjs'],
  },
  'extension/elevation': { values: ['extension/capture/trace.ts', 'extension/escape', 'helper/procStat.ts'] },
  'extension/capture': {
    values: [
      'extension/elevation',
      'extension/engine',
      'extension/filter',
      'extension/import',
      ...HELPER_BORDER,
      'helper/procStat.ts',
      'helper/tls/debugFile.ts',
      'helper/tls/elf.ts',
      'helper/tls/relocations.ts',
      'helper/workTime.ts',
    ],
  },

  'extension/debug': {
    values: [
      'extension/contributions.ts',
      'extension/capture/trace.ts',
      'extension/engine/row.ts',
      'extension/engine/traceStatus.ts',
      'extension/privacy',
      'extension/words',
      'helper/procStat.ts',
    ],
    packages: ['vscode'],
  },
  'extension/breaks': {
    values: [
      'extension/contributions.ts',
      'extension/debug/debuggee.ts',
      'extension/debug/hookConsent.ts',
      'extension/filter',
      'extension/privacy',
      'extension/views/notify.ts',
      'extension/words',
      'helper/protocol.ts',
    ],
    types: [
      'extension/capture/trace.ts',
      'extension/debug/debugSessions.ts',
      'extension/engine/traceStatus.ts',
    ],
    packages: ['vscode'],
  },
  'extension/views': {
    values: [
      'extension/contributions.ts',
      'extension/engine',
      'extension/escape',
      'extension/filter',
      'extension/http',
      'extension/words',
    ],
    types: ['extension/capture/trace.ts'],
    packages: ['vscode'],
  },
  'extension/commands': {
    values: [
      'extension/breaks',
      'extension/contributions.ts',
      'extension/capture/trace.ts',
      'extension/cli/exitStatus.ts',
      'extension/cli/privateFile.ts',
      'extension/elevation',
      'extension/engine',
      'extension/escape',
      'extension/export',
      'extension/filter',
      'extension/http',
      'extension/otlp',
      'extension/privacy',
      'extension/resend',
      'extension/tools',
      'extension/views',
      'extension/words',
    ],
    types: ['extension/debug'],
    packages: ['vscode'],
  },
  // In a browser: no Node, and of the engine only what needs none.
  'extension/webview': {
    values: [
      'extension/escape',
      'extension/filter',
      'extension/http',
      'extension/words',
      'extension/privacy/secrets.ts',
      'extension/engine/endedProcesses.ts',
      'extension/engine/grpc/status.ts',
      'extension/engine/row.ts',
      'extension/engine/tls/library.ts',
      'extension/engine/traceStatus.ts',
    ],
    types: ['extension/engine', 'extension/views/webviewProtocol.ts'],
    pure: [],
  },
  'extension/cli': {
    values: [
      'extension/capture',
      'extension/elevation',
      'extension/engine',
      'extension/escape',
      'extension/export',
      'extension/filter',
      'extension/otlp',
      'extension/tools',
      'extension/words',
      'extension/protos/folder.ts',
      'helper/protocol.ts',
      'helper/frames.ts',
      'helper/events.ts',
      'helper/parents.ts',
      'helper/procStat.ts',
      'package.json',
    ],
    packages: ['@vscode/sudo-prompt'],
  },
  // extension.ts, which puts the parts together, and contributions.ts.
  extension: {
    values: [
      'extension/breaks',
      'extension/capture',
      'extension/commands',
      'extension/debug',
      'extension/protos/workspaceProtos.ts',
      'extension/views',
      'extension/words',
      'extension/engine/limits.ts',
    ],
    packages: ['vscode'],
  },
};

/**
 * Files that import each other, directly or not: no others may. These are functions that call each other, as the texts
 * that they mask lie in each other: JSON in a form, a form in JSON; a body in a multipart, a multipart in a body.
 */
export const CIRCLES: readonly (readonly string[])[] = [
  ['maskForm.ts', 'maskJson.ts', 'maskText.ts', 'maskUrl.ts', 'maskXml.ts'],
  ['maskBody.ts', 'maskMultipart.ts'],
].map((files) => files.map((file) => `extension/privacy/${file}`));
