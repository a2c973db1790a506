export const BUNDLES: readonly { readonly entryPoints: readonly string[]; readonly outfile: string }[];
