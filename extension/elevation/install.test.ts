import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { commandLine, quote, survivesDoubleQuotes } from './install.ts';

/** What a shell makes of the line: its words. */
function wordsOf(line: string, shell = 'sh'): string[] {
  const { stdout } = spawnSync(shell, ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
  return stdout.split('\0').slice(0, -1);
}

/** What a shell reads something into. */
const special = fc.string({
  unit: fc.constantFrom(...' \'"$`\\!;&|<>()*?~#{}[]=-abc/é\n\t'),
  minLength: 1,
  maxLength: 12,
});

describe('a word of a shell command', () => {
  it.each(["it's", 'a b', '$(id)', '`id`', '"', '\'"$', '~', '*', '-n', '', '\\', "trap 'x' EXIT"])(
    'is that word again: %j',
    (word) => {
      expect(wordsOf(quote(word))).toEqual([word]);
    },
  );

  it('is that word again, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(special, { minLength: 1, maxLength: 20 }), (words) => {
        expect(wordsOf(commandLine(words))).toEqual(words);
      }),
      { numRuns: runs(40) },
    );
  });

  it('means the same within double quotes where it is said to', () => {
    fc.assert(
      fc.property(fc.array(special, { minLength: 1, maxLength: 20 }), (words) => {
        const line = `printf '%s|' ${commandLine(words)}`;
        if (!survivesDoubleQuotes(line)) return;
        const { stdout } = spawnSync('sh', ['-c', `bash -c "${line}"`], { encoding: 'utf8' });
        expect(stdout).toBe(words.map((word) => `${word}|`).join(''));
      }),
      { numRuns: runs(40) },
    );
    expect(survivesDoubleQuotes("echo 'a b'; (cd /x) | y")).toBe(true);
    for (const character of '"$`\\!\n') expect(survivesDoubleQuotes(`echo '${character}'`)).toBe(false);
  });

  it('is easy to read where it can be', () => {
    expect(commandLine(['/bin/sh', '-c', "trap 'rm x' EXIT; a"])).toBe(`/bin/sh -c "trap 'rm x' EXIT; a"`);
    expect(commandLine(['/a b/c', 'x'])).toBe("'/a b/c' x");
  });
});
