import { describe, expect, it } from 'vitest';
import { StoredMessage } from './storedMessage.ts';
import { ruleText } from './violations.ts';

describe('stored messages', () => {
  it('give back their fields in order and case', () => {
    const message = new StoredMessage('request', 0, 'HTTP/1.1');
    const fields: [string, string][] = [
      ['A', '1'],
      ['a', ''],
      ['', 'no name'],
      ['B', 'x: y\r\xff\0'],
    ];
    message.setFields(fields);
    expect(message.fields).toEqual(fields);
    expect(message.field('a')).toBe('1');
    expect(message.field('b')).toBe('x: y\r\xff\0');
    expect(message.field('c')).toBeNull();
  });

  it('note a broken rule once, in words and with its section', () => {
    const message = new StoredMessage('response', 5, 'HTTP/1.1');
    for (let i = 0; i < 100; i++) message.breaks('bare-lf', 10 + i);
    message.breaks('bare-cr', 20);
    expect(message.violations).toEqual([
      { ...ruleText('bare-lf'), in: 'response', position: 10 },
      { ...ruleText('bare-cr'), in: 'response', position: 20 },
    ]);
  });
});
