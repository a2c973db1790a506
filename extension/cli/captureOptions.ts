/** Maps a command's options to capture options. */
import type { CaptureOptions } from '../capture/capture.ts';
import type { TraceOptions } from './arguments.ts';

/** All but the paths of the installation, and how a password is asked for. */
export function captureOptions(
  options: TraceOptions,
): Omit<CaptureOptions, 'nativePath' | 'helperPath' | 'ask'> {
  return {
    bodyLimit: options.bodyLimit,
    backend: options.backend,
    minLatencyMs: options.minLatency,
    ...(options.requests && options.responses ? {} : { bodies: options.requests ? 'requests' : 'responses' }),
    ...(options.ringSize === null ? {} : { ringSize: options.ringSize }),
    ...(options.backlog === null ? {} : { backlog: options.backlog }),
    verbose: options.verbose,
    tls: options.tls,
  };
}
