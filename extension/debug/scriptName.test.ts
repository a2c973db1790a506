import { describe, expect, it } from 'vitest';
import { scriptName } from './scriptName.ts';

describe('what a process runs', () => {
  it.each([
    ['node shop.js', 'shop.js'],
    ['/usr/bin/node --enable-source-maps -r ./hook.js --inspect=0 src/shop.ts --port 1', 'shop.ts'],
    ['node --require /x/tsx/preflight.cjs --import file:///x/loader.mjs app.ts', 'app.ts'],
    ['nodejs20 /usr/bin/npm', 'npm'],
    ['/usr/bin/python3.11 -X frozen_modules=off -u pay.py', 'pay.py'],
    ['python3 -m flask run', 'flask'],
    ['python3 /usr/lib/debugpy --connect 127.0.0.1:1 --configure-qt none /w/pay.py', 'pay.py'],
    ['python3 -m debugpy --listen 5678 -m uvicorn app:app', 'uvicorn'],
    ['ruby -I lib -r debug/start call.rb', 'call.rb'],
    ['php -d memory_limit=1 public/index.php', 'index.php'],
  ])('%s', (command, name) => expect(scriptName(command.split(' '))).toBe(name));

  it.each(['node -e 1+1', 'python3 -c pass', 'node', '/w/shop', 'bash run.sh', ''])(
    '%s has no name',
    (command) => expect(scriptName(command.split(' '))).toBeNull(),
  );
});
