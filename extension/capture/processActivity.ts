/** Whether a process that says nothing is at work all the same, by /proc/PID/stat (proc_pid_stat(5)). */
import { readFileSync } from 'node:fs';
import { statAfterName } from '../../helper/procStat.ts';

export class ProcessActivity {
  readonly #stat: () => string;
  /** Its processor time so far, as the kernel writes it. */
  #used = '';

  /** @param stat the text of the file; throws when there is none */
  constructor(pid: number, stat = (): string => readFileSync(`/proc/${pid}/stat`, 'latin1')) {
    this.#stat = stat;
    this.#used = this.#read().used;
  }

  /** It has used processor time since this was asked last, or the kernel holds it. False if that is unknown. */
  isWorking(): boolean {
    const { state, used } = this.#read();
    const before = this.#used;
    this.#used = used;
    return state === 'D' || used !== before;
  }

  #read(): { readonly state: string; readonly used: string } {
    try {
      const fields = statAfterName(this.#stat()).split(' ');
      return { state: fields[0] ?? '', used: `${fields[11]} ${fields[12]}` };
    } catch {
      return { state: '', used: this.#used };
    }
  }
}
