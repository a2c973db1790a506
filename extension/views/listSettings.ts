/** The settings of the list: joining both ends, nesting, and the saved filters. */
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

/** Calls that a call caused are nested beneath it. */
export function nestsCalls(): boolean {
  return isOn(Setting.nestCalls);
}

export function setNestsCalls(nests: boolean): Promise<void> {
  return change(Setting.nestCalls, nests);
}

/** Empty if the setting is malformed. */
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

/** In the scope where it is set, else the user's. */
async function change(setting: string, value: unknown): Promise<void> {
  const settings = vscode.workspace.getConfiguration();
  const set = settings.inspect(setting);
  const { Global, Workspace } = vscode.ConfigurationTarget;
  await settings.update(setting, value, set?.workspaceValue === undefined ? Global : Workspace);
}
