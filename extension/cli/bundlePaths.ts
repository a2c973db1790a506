/** Where the other files of the installation are. */
import { join } from 'node:path';

/** Beside the bundle: `native/` with loader, gate and addon, and `helper.js`. */
export const NATIVE_PATH = join(__dirname, 'native');
export const HELPER_PATH = join(__dirname, 'helper.js');
