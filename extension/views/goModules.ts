/** Files of Go programs that were built with -trimpath: their paths begin with a module's, not with a folder. */
import * as vscode from 'vscode';
import { pathInModule } from './goModulePath.ts';

/** Maximum modules of a workspace to search. */
const MAX_MODULES = 100;

/** The file of the workspace's module that has this path; null: none, or several. */
export async function fileOfModule(path: string): Promise<vscode.Uri | null> {
  const found: vscode.Uri[] = [];
  for (const module of await vscode.workspace.findFiles(
    '**/go.mod',
    '**/{node_modules,vendor}/**',
    MAX_MODULES,
  )) {
    const within = pathInModule(await textOf(module), path);
    if (within === null) continue;
    const file = vscode.Uri.joinPath(module, '..', within);
    if (await isFile(file)) found.push(file);
  }
  return found.length === 1 ? (found[0] ?? null) : null;
}

async function textOf(file: vscode.Uri): Promise<string> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  } catch {
    return '';
  }
}

async function isFile(file: vscode.Uri): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(file)).type & vscode.FileType.File) !== 0;
  } catch {
    return false;
  }
}
