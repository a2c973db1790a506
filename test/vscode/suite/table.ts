/** Results with this machine's debuggers, as the table of docs/debugging.md: a row for each way to start a program. */

/** How often each thing is tried; HTTP_TRACE_ROUNDS for measuring. */
export const ROUNDS = Number(process.env['HTTP_TRACE_ROUNDS'] ?? 0);

const COLUMNS = ['first call', 'pause', 'source line', 'break'] as const;
type Column = (typeof COLUMNS)[number];

const table = new Map<string, Map<Column, string[]>>();

/** @param what such as `10 of 10`; several of one place stand beside each other. */
export function enter(debuggerName: string, column: Column, what: string): void {
  const row = table.get(debuggerName) ?? new Map<Column, string[]>();
  table.set(debuggerName, row);
  row.set(column, [...(row.get(column) ?? []), what]);
}

/** Lines of Markdown; none where nothing was entered. */
export function tableLines(): string[] {
  if (table.size === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['debugger', ...COLUMNS]),
    `|${'---|'.repeat(COLUMNS.length + 1)}`,
    ...[...table].map(([name, row]) =>
      line([name, ...COLUMNS.map((column) => row.get(column)?.join('; ') ?? '')]),
    ),
  ];
}
