/** The settings of the list: what is one row, which row stands beneath which, and the filters that are kept. */
import * as vscode from 'vscode';
import { Setting } from '../contributions.ts';
import { isFilters } from '../filter/saved.ts';

/** Both sides of a call are one row. */
export function joinsBothEnds(): boolean {
  return isOn(Setting.joinBothEnds);
}

export function setJoinsBothEnds(joins: boolean): Promise<void> {
  return change(Setting.joinBothEnds, joins);
}

/** What a call caused stands beneath it. */
export function nestsCalls(): boolean {
  return isOn(Setting.nestCalls);
}

export function setNestsCalls(nests: boolean): Promise<void> {
  return change(Setting.nestCalls, nests);
}

/** None where the setting is not what it should be. */
export function savedFilters(): readonly string[] {
  const filters: unknown = vscode.workspace.getConfiguration().get(Setting.savedFilters);
  return isFilters(filters) ? filters : [];
}

export function setSavedFilters(filters: readonly string[]): Promise<void> {
  return change(Setting.savedFilters, filters.length === 0 ? undefined : filters);
}

function isOn(setting: string): boolean {
  return vscode.workspace.getConfiguration().get<boolean>(setting, true);
}

/** Where it has been set, else for the user. */
async function change(setting: string, value: unknown): Promise<void> {
  const settings = vscode.workspace.getConfiguration();
  const set = settings.inspect(setting);
  const { Global, Workspace } = vscode.ConfigurationTarget;
  await settings.update(setting, value, set?.workspaceValue === undefined ? Global : Workspace);
}
