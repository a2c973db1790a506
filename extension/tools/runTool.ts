/** A tool by its name. */
import { type CallSource, ToolError } from './callSource.ts';
import { TOOLS, type ToolName } from './definitions.ts';
import { getRequest } from './getRequest.ts';
import { listRequests } from './listRequests.ts';

const RUN: Readonly<Record<ToolName, (source: CallSource, input: unknown) => Promise<string>>> = {
  list_http_requests: listRequests,
  get_http_request: getRequest,
};

/** @returns JSON. @throws ToolError */
export function runTool(source: CallSource, name: string, input: unknown): Promise<string> {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool !== undefined) return RUN[tool.name](source, input);
  const names = TOOLS.map((one) => one.name).join(' and ');
  return Promise.reject(new ToolError(`There is no tool of that name. There are ${names}.`));
}
