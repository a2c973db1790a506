/** The files that a command writes: its output and a recording. */
import { FileOutput, type Output, StandardOutput } from './output.ts';
import { RecordingFile } from './recordingFile.ts';

export interface TraceFiles {
  readonly output: Output;
  readonly recording: RecordingFile | null;
}

/** All that will be written, opened before anything is started. @throws Exit */
export function openFiles(options: {
  readonly output: string | null;
  readonly record?: string | null;
}): TraceFiles {
  const { output, record = null } = options;
  const opened = output === null ? new StandardOutput(process.stdout) : new FileOutput(output);
  try {
    return { output: opened, recording: record === null ? null : new RecordingFile(record) };
  } catch (error) {
    opened.discard();
    throw error;
  }
}

/** Nothing was traced: discards the new files, so that older ones of the same name stay. */
export function discardFiles({ output, recording }: TraceFiles): void {
  output.discard();
  recording?.discard();
}
