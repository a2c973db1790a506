/** Telling an exit status without ending with it. */

/**
 * The same command under a shell that always ends with 0 and leaves the command's status in a file. VS Code shows
 * the raw command in an error of its own when what a terminal runs ends with another status, as sudo does after a
 * wrong password; what that means is for HTTP Trace to say, once.
 * @param statusFile in a folder that only the user can write to; absent when the shell itself was killed.
 */
export function keepingStatus(command: readonly string[], statusFile: string): readonly string[] {
  // Ctrl+C goes to the whole group: the shell has to live on to tell what the command made of it.
  return ['/bin/sh', '-c', `trap : INT; "$@"; echo $? > "$0"; exit 0`, statusFile, ...command];
}
