import { expect, it } from 'vitest';
import { endsSandboxedPrograms } from './returnProbes.ts';

it.each([
  ['6.1.0-56-amd64', false],
  ['6.10.9', false],
  ['6.11', true],
  ['6.11.0-29-generic', true],
  ['6.12.13-amd64', true],
  ['6.12.14', false],
  ['6.12.48+deb13-amd64', false],
  ['6.13.2', true],
  ['6.13.3-arch1-1', false],
  ['6.14.0-rc1', false],
  ['7.0.0', false],
  ['', false],
])('return probes on %s end sandboxed programs: %s', (release, ends) => {
  expect(endsSandboxedPrograms(release, 'x64')).toBe(ends);
  expect(endsSandboxedPrograms(release, 'arm64')).toBe(false);
});
