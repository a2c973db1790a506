/** Small programs for tests, compiled by the compilers that are there. gcc is: the build needs it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ElfFile } from '../../../../helper/tls/elf.ts';

export interface Source {
  readonly path: string;
  readonly text: string;
}

export class Compiled {
  readonly folder = mkdtempSync(join(tmpdir(), 'http-trace-lines-'));
  readonly #descriptors: number[] = [];

  write({ path, text }: Source, bytes: Buffer | null = null): string {
    const place = join(this.folder, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes ?? text);
    return place;
  }

  /** @param sources relative, as the compiler is given them */
  build(compiler: string, flags: readonly string[], sources: readonly string[], output: string): string {
    const path = join(this.folder, output);
    execFileSync(compiler, [...flags, ...sources, '-o', path], { cwd: this.folder, stdio: 'pipe' });
    return path;
  }

  open(path: string): ElfFile {
    const descriptor = openSync(path, 'r');
    this.#descriptors.push(descriptor);
    return ElfFile.read(descriptor);
  }

  remove(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function isThere(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Functions that are compiled into others, in several files, and calls two deep. */
export const C_SOURCES: readonly Source[] = [
  {
    path: 'part/send.h',
    text: `#include <unistd.h>
static inline __attribute__((always_inline)) long send_one(int descriptor, const char *text, long length)
{
	long sent = write(descriptor, text, length);
	return sent < 0 ? 0 : sent;
}
`,
  },
  {
    path: 'part/pay.c',
    text: `#include "send.h"
#include <string.h>
#include <stdlib.h>

static long total;

static inline __attribute__((always_inline)) long send_all(int descriptor, const char *text)
{
	long length = strlen(text);
	for (int i = 0; i < 3; i++)
		total += send_one(descriptor, text, length);
	return total;
}

__attribute__((noinline)) long pay(int descriptor, const char *name)
{
	char buffer[300];
	memset(buffer, name[0], sizeof(buffer) - 1);
	buffer[299] = 0;
	total += send_all(descriptor, buffer);
	if (total > 10000)
		abort();
	return total + send_one(descriptor, name, 3);
}
`,
  },
  {
    path: 'main.c',
    text: `#include <stdio.h>
long pay(int descriptor, const char *name);

static int (*volatile print)(const char *, ...) = printf;

int main(int argc, char **argv)
{
	long sum = 0;
	for (int i = 0; i < argc; i++) {
		sum += pay(1, argv[i]);
		print("%ld\\n", sum);
	}
	return sum == 0;
}
`,
  },
];
export const C_FILES = ['main.c', 'part/pay.c'];

export const CPP_SOURCE: Source = {
  path: 'shop.cpp',
  text: `#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>
#include <unistd.h>

namespace shop {
template <typename T> struct Cart {
	std::vector<T> items;
	std::map<std::string, int> counts;
	void add(T item)
	{
		items.push_back(item);
		counts[std::to_string(item)]++;
	}
	long send(const std::function<long(const std::string &)> &how)
	{
		long sum = 0;
		std::for_each(items.begin(), items.end(), [&](const T &item) {
			sum += how(std::to_string(item));
		});
		return sum;
	}
};
}

int main(int argc, char **argv)
{
	shop::Cart<int> cart;
	try {
		for (int i = 0; i < argc + 3; i++)
			cart.add(i);
		if (argc > 10)
			throw 5;
	} catch (int) {
		return 1;
	}
	return cart.send([](const std::string &text) { return write(1, text.data(), text.size()); }) == 0;
}
`,
};

export const RUST_SOURCE: Source = {
  path: 'shop.rs',
  text: `use std::collections::HashMap;
use std::io::Write;

fn send(out: &mut dyn Write, text: &str) -> usize {
    out.write_all(text.as_bytes()).unwrap();
    text.len()
}

fn pay(out: &mut dyn Write, names: &[String]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in names {
        *counts.entry(name).or_default() += send(out, name);
    }
    counts.values().sum()
}

fn main() {
    let names: Vec<String> = std::env::args().collect();
    let mut out = std::io::stdout();
    println!("{}", pay(&mut out, &names));
}
`,
};
