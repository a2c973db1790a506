import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { RowChanges, Trace } from '../../../extension/capture/trace.ts';
import type { ProtoSchema } from '../../../extension/engine/protobuf/schema.ts';
import { exampleRow } from '../../../extension/engine/testing/exampleRow.ts';
import { WorkspaceProtos } from '../../../extension/protos/workspaceProtos.ts';
import { eventually, test } from './harness.ts';

const proto = (field: string): Uint8Array =>
  Buffer.from(`syntax = "proto3"; package suite; message Hat { string ${field} = 1; }`);

test('.proto files of the workspace are read with the first gRPC call, and again when they change', async () => {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert(folder);
  const file = vscode.Uri.joinPath(folder.uri, 'suite.proto');
  let listener: (changes: RowChanges) => unknown = () => {};
  let schema: ProtoSchema | null = null;
  const trace = {
    onDidChangeRows: (listen: (changes: RowChanges) => unknown) => {
      listener = listen;
      return {
        dispose: () => {
          listener = () => {};
        },
      };
    },
    setProtos: (read: ProtoSchema) => {
      schema = read;
    },
  };
  const field = (): string | undefined => schema?.messages.get('suite.Hat')?.fields.get(1)?.name;
  await vscode.workspace.fs.writeFile(file, proto('colour'));
  const protos = new WorkspaceProtos(trace as unknown as Trace);
  try {
    listener({ rows: [exampleRow({})], removed: [] });
    listener({ rows: [exampleRow({ messageFormat: 'grpc' })], removed: [] });
    await eventually(() => field() === 'colour', 'the file is read');
    // VS Code reports no change for a moment after a watcher was made, and does not say when that is over.
    const again = setInterval(() => void vscode.workspace.fs.writeFile(file, proto('size')), 1_000);
    await eventually(() => field() === 'size', 'the file is read again').finally(() => clearInterval(again));
  } finally {
    protos.dispose();
    await vscode.workspace.fs.delete(file);
  }
});
