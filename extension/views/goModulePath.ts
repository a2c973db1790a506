/** Locates a file in a Go module by a path that begins with the module's. Pure. */

/** The directive of a go.mod (go.dev/ref/mod). */
const MODULE = /^\s*module\s+(?:"([^"\n]+)"|`([^`\n]+)`|(\S+))/m;

/** @returns null: the path does not belong to this module, or would lead out of it. */
export function pathInModule(goMod: string, path: string): string | null {
  const match = MODULE.exec(goMod);
  const module = match?.[1] ?? match?.[2] ?? match?.[3];
  if (module === undefined || !path.startsWith(`${module}/`)) return null;
  const within = path.slice(module.length + 1);
  const names = within.split('/');
  return names.some((name) => name === '' || name === '.' || name === '..') ? null : within;
}
