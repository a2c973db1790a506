/** Maximum number of .proto files, and their total bytes: no project has more of its own. */
export const MAX_PROTO_FILES = 2_000;
export const MAX_PROTO_BYTES = 32 * 1024 * 1024;
