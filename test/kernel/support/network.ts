/** A network namespace of the test's own, without other traffic, and a packet capture of it. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../kit/process.ts';

export class Network {
  private constructor(private readonly holder: Child) {}

  /** A network namespace with a loopback interface; it ends with the test. */
  static async make(): Promise<Network> {
    const script = 'ip link set lo up && echo up && exec cat';
    const holder = new Child('unshare', ['--net', 'sh', '-c', script]);
    await holder.line();
    return new Network(holder);
  }

  /** The command that runs a command in it. */
  inside(command: readonly string[]): string[] {
    return ['nsenter', `--net=/proc/${this.holder.pid}/ns/net`, '--', ...command];
  }

  child(command: readonly string[]): Child {
    return Child.of(this.inside(command));
  }
}

/** What goes over the loopback interface of a network, into a file. */
export class Capture {
  private constructor(
    private readonly network: Network,
    private readonly dumpcap: Child,
    readonly file: string,
  ) {}

  static async start(network: Network, file: string): Promise<Capture> {
    const dumpcap = network.child(['dumpcap', '-q', '-i', 'lo', '-s', '0', '-B', '64', '-w', file]);
    // It says so once the interface is open, from when on the kernel keeps packets for it.
    await dumpcap.untilStderr(`File: ${file}`);
    return new Capture(network, dumpcap, file);
  }

  /** Ends it once everything before this call is in the file. @throws when the capture lost packets */
  async stop(): Promise<void> {
    const mark = randomBytes(16).toString('hex');
    do {
      await this.network.child(['bash', '-c', `echo ${mark} > /dev/udp/127.0.0.1/9`]).ended;
      await sleep(100);
    } while (!readFileSync(this.file).includes(mark));
    this.dumpcap.kill('SIGINT');
    const { stderr } = await this.dumpcap.ended;
    if (!stderr.includes('(100.0%)')) throw new Error(stderr);
  }
}
