/** Reports a command's exit status in a file instead of exiting with it. */

/**
 * The same command under a shell that always ends with 0 and leaves the command's status in a file. If a terminal's
 * command ends with another status, as sudo does after a wrong password, VS Code shows the raw command in an error of
 * its own; HTTP Trace reports the failure instead, once.
 * @param statusFile in a folder that only the user can write to; absent when the shell itself was killed.
 */
export function keepingStatus(command: readonly string[], statusFile: string): readonly string[] {
  // Ctrl+C goes to the whole group: the shell has to survive to write the command's status.
  return ['/bin/sh', '-c', `trap : INT; "$@"; echo $? > "$0"; exit 0`, statusFile, ...command];
}
