/** Python programs, each in a process forked from an interpreter that has already loaded the library requests. */
import { Child } from '../kit/process.ts';

/** Reads programs as lines of base64, and answers each with [exit code, standard output and error as base64]. */
const SERVER = `
import base64, json, os, sys, tempfile, traceback
import requests

for line in sys.stdin:
    source = base64.b64decode(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = 0
            try:
                exec(compile(source, '<stdin>', 'exec'), {'__name__': '__main__'})
            except BaseException:
                traceback.print_exc()
                code = 1
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        answer = [code]
        for file in (out, err):
            file.seek(0)
            answer.append(base64.b64encode(file.read()).decode())
        print(json.dumps(answer), flush=True)
`;

export class Python {
  readonly #server: Child;

  /** @param cwd the folder in which the programs run. */
  constructor(cwd: string) {
    this.#server = new Child('python3', ['-c', SERVER], { cwd });
  }

  /** What the program prints. One after the other. @throws Error with its standard error when it fails. */
  async run(program: string): Promise<Buffer> {
    this.#server.write(`${Buffer.from(program).toString('base64')}\n`);
    const [code, stdout, stderr] = JSON.parse(await this.#server.line()) as [number, string, string];
    if (code === 0) return Buffer.from(stdout, 'base64');
    const error = Buffer.from(stderr, 'base64').toString().slice(0, 2_000);
    throw new Error(`python3 ended with ${code}: ${error}\n${program.slice(0, 2_000)}`);
  }

  async end(): Promise<void> {
    this.#server.endInput();
    await this.#server.ended;
  }
}
