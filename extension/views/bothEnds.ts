/** The setting whether both sides of a call are one row. */
import * as vscode from 'vscode';
import { Setting } from '../contributions.ts';

export function joinsBothEnds(): boolean {
  return vscode.workspace.getConfiguration().get<boolean>(Setting.joinBothEnds, true);
}

/** Where it has been set, else for the user. */
export async function setJoinsBothEnds(joins: boolean): Promise<void> {
  const settings = vscode.workspace.getConfiguration();
  const set = settings.inspect<boolean>(Setting.joinBothEnds);
  const { Global, Workspace } = vscode.ConfigurationTarget;
  await settings.update(Setting.joinBothEnds, joins, set?.workspaceValue === undefined ? Global : Workspace);
}
