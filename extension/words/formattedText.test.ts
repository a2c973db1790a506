import { expect, it } from 'vitest';
import { formattedText } from './formattedText.ts';

it('lays JSON and XML out, and leaves the rest as it is', () => {
  expect(formattedText('{"a":[1,2.00],"a":{}}', 'application/json')).toBe(
    '{\n  "a": [\n    1,\n    2.00\n  ],\n  "a": {}\n}\n',
  );
  expect(formattedText('<a><b>c</b></a>', 'application/xml')).toBe('<a>\n  <b>c</b>\n</a>\n');
  expect(formattedText('<div><p>a</div>', 'text/html')).toBe('<div>\n  <p>a\n</div>\n');
  expect(formattedText('a{b:c}', 'text/css')).toBe('a {\n  b: c\n}\n');
  expect(formattedText('a();x=`1\n 2`', 'text/javascript')).toBe('a();\nx = `1\n 2`\n');
  expect(formattedText('a();b()', 'text/plain')).toBe('a();b()');
  expect(formattedText('no json', 'application/json')).toBe('no json');
  expect(formattedText('', 'application/json')).toBe('');
});
