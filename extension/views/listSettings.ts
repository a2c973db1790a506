/** The settings that say what is one row of the list, and which row stands beneath which. */
import * as vscode from 'vscode';
import { Setting } from '../contributions.ts';

/** Both sides of a call are one row. */
export function joinsBothEnds(): boolean {
  return isOn(Setting.joinBothEnds);
}

export function setJoinsBothEnds(joins: boolean): Promise<void> {
  return turn(Setting.joinBothEnds, joins);
}

/** What a call caused stands beneath it. */
export function nestsCalls(): boolean {
  return isOn(Setting.nestCalls);
}

export function setNestsCalls(nests: boolean): Promise<void> {
  return turn(Setting.nestCalls, nests);
}

function isOn(setting: string): boolean {
  return vscode.workspace.getConfiguration().get<boolean>(setting, true);
}

/** Where it has been set, else for the user. */
async function turn(setting: string, on: boolean): Promise<void> {
  const settings = vscode.workspace.getConfiguration();
  const set = settings.inspect<boolean>(setting);
  const { Global, Workspace } = vscode.ConfigurationTarget;
  await settings.update(setting, on, set?.workspaceValue === undefined ? Global : Workspace);
}
