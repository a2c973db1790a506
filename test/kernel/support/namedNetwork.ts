/** A network of a test's own in which a name server answers (peers/nameServer.py). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHON } from '../../kit/peers.ts';
import { Child } from '../../kit/process.ts';
import type { TracingContext } from '../../kit/tracing.ts';
import { PEERS, tracingIn } from './environment.ts';

const NAME_SERVER = 'nameserver 127.0.0.1\nsearch search.test\n';
const NSSWITCH = 'hosts: files dns\n';

/** A network and a mount namespace; both end with the test. */
export class NamedNetwork {
  /** Traces are made in there. */
  readonly context: TracingContext;
  readonly #inside: readonly string[];

  private constructor(holder: Child, folder: string) {
    this.#inside = [
      'nsenter',
      `--net=/proc/${holder.pid}/ns/net`,
      `--mount=/proc/${holder.pid}/ns/mnt`,
      '--',
    ];
    const context = tracingIn(folder);
    this.context = { ...context, program: this.inside(context.program) };
  }

  /**
   * Resolves when the name server listens.
   * @param folder for the files that configure resolvers
   * @param patience seconds that they wait for an answer, up to 30
   */
  static async make(folder: string, patience = 1): Promise<NamedNetwork> {
    writeFileSync(join(folder, 'resolv.conf'), `${NAME_SERVER}options timeout:${patience} attempts:1\n`);
    writeFileSync(join(folder, 'nsswitch.conf'), NSSWITCH);
    const script = [
      'ip link set lo up',
      `mount --bind ${folder}/resolv.conf /etc/resolv.conf`,
      `mount --bind ${folder}/nsswitch.conf /etc/nsswitch.conf`,
      // Where systemd runs, its own socket is there.
      'mkdir -p /run/systemd',
      'mount -t tmpfs none /run/systemd',
      `exec ${PYTHON} ${PEERS}/nameServer.py`,
    ].join(' && ');
    const holder = new Child('unshare', ['--net', '--mount', 'sh', '-c', script]);
    const said = await holder.line();
    if (said !== 'ready') throw new Error(`The name server says ${JSON.stringify(said)}. ${holder.stderr}`);
    return new NamedNetwork(holder, folder);
  }

  /** The command that runs a command in it. */
  inside(command: readonly string[]): string[] {
    return [...this.#inside, ...command];
  }
}
