/** Whether a silent process is still working, by /proc/PID/stat (proc_pid_stat(5)). */
import { readFileSync } from 'node:fs';
import { statAfterName } from '../../helper/procStat.ts';

export class ProcessActivity {
  readonly #stat: () => string;
  /** Its CPU time so far, as the kernel prints it. */
  #used = '';

  /** @param stat the text of the file; throws when there is none */
  constructor(pid: number, stat = (): string => readFileSync(`/proc/${pid}/stat`, 'latin1')) {
    this.#stat = stat;
    this.#used = this.#read().used;
  }

  /** It used CPU time since the last call, or is in uninterruptible sleep (D). False if that is unknown. */
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
