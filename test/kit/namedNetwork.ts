/** A test's own network with a name server (test/kernel/peers/nameServer.py). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHON } from './peers.ts';
import { Child } from './process.ts';
import type { TracingContext } from './tracing.ts';

const NAME_SERVER = 'nameserver 127.0.0.1\nsearch search.test\n';
const NSSWITCH = 'hosts: files dns\n';

/** A network and a mount namespace; both end with the test. */
export class NamedNetwork {
  /** For traces inside of it. */
  readonly context: TracingContext;
  readonly #inside: readonly string[];

  private constructor(holder: Child, context: TracingContext) {
    this.#inside = [
      'nsenter',
      `--net=/proc/${holder.pid}/ns/net`,
      `--mount=/proc/${holder.pid}/ns/mnt`,
      // In the emulated kernels it is not that of the namespace.
      `--root=/proc/${holder.pid}/root`,
      '--wd=/',
      '--',
    ];
    this.context = { ...context, program: this.inside(context.program) };
  }

  /**
   * Resolves when the name server listens.
   * @param context its folder gets the files that configure resolvers
   * @param peers test/kernel/peers
   * @param patience time-out of resolvers in seconds, up to 30
   */
  static async make(context: TracingContext, peers: string, patience = 3): Promise<NamedNetwork> {
    const { folder } = context;
    writeFileSync(join(folder, 'resolv.conf'), `${NAME_SERVER}options timeout:${patience} attempts:1\n`);
    writeFileSync(join(folder, 'nsswitch.conf'), NSSWITCH);
    const script = [
      'ip link set lo up',
      `mount --bind ${folder}/resolv.conf /etc/resolv.conf`,
      `mount --bind ${folder}/nsswitch.conf /etc/nsswitch.conf`,
      // Hides systemd's own socket, where it runs.
      'mkdir -p /run/systemd',
      'mount -t tmpfs none /run/systemd',
      `exec ${PYTHON} ${peers}/nameServer.py`,
    ].join(' && ');
    const holder = new Child('unshare', ['--net', '--mount', 'sh', '-c', script]);
    const said = await holder.line();
    if (said !== 'ready') throw new Error(`The name server says ${JSON.stringify(said)}. ${holder.stderr}`);
    return new NamedNetwork(holder, context);
  }

  /** The command that runs a command in it. */
  inside(command: readonly string[]): string[] {
    return [...this.#inside, ...command];
  }
}
