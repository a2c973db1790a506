import { expect, it } from 'vitest';
import { pathInModule } from './goModulePath.ts';

it('finds a file of a module by its path, and no other', () => {
  const module = '// A shop.\nmodule example.com/shop // ours\n\ngo 1.22\n';
  expect(pathInModule(module, 'example.com/shop/pay/pay.go')).toBe('pay/pay.go');
  expect(pathInModule('module "example.com/shop"', 'example.com/shop/main.go')).toBe('main.go');
  for (const path of [
    'example.com/shopping/main.go',
    'example.com/shop/../../etc/passwd',
    'example.com/shop//main.go',
    'example.com/shop/',
    './main.go',
  ])
    expect(pathInModule(module, path)).toBeNull();
  expect(pathInModule('', 'example.com/shop/main.go')).toBeNull();
});
