export function bundleWindow(folder: string): Promise<string>;
