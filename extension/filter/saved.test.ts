import { expect, it } from 'vitest';
import { isToHost } from '../views/webviewProtocol.ts';
import { isFilters, MAX_SAVED_FILTER, MAX_SAVED_FILTERS } from './saved.ts';

it('saved filters are a bounded list of lines, whoever wrote the setting or the message', () => {
  const longest = 'x'.repeat(MAX_SAVED_FILTER);
  for (const good of [[], ['status:5xx'], Array(MAX_SAVED_FILTERS).fill(longest)]) {
    expect(isFilters(good)).toBe(true);
    expect(isToHost({ type: 'savedFilters', filters: good })).toBe(true);
  }
  for (const bad of [
    null,
    'status:5xx',
    [7],
    [`${longest}x`],
    Array(MAX_SAVED_FILTERS + 1).fill('a'),
    { 0: 'a' },
  ]) {
    expect(isFilters(bad)).toBe(false);
    expect(isToHost({ type: 'savedFilters', filters: bad })).toBe(false);
  }
});
