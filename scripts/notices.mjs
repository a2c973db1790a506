// The third-party code in the package, determined from what was actually bundled and linked: the licences' texts
// (THIRD_PARTY_NOTICES.txt) and the bill of materials (sbom.cdx.json). The same inputs give the same bytes.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {{ metafiles: string[], linkerMaps: string[], epoch: number }} made what the build left: esbuild's
 * metafiles and the linker's maps; and the package's date, in seconds
 * @returns {{ notices: string, sbom: string }}
 */
export function thirdParties({ metafiles, linkerMaps, epoch }) {
  const modules = bundledModules(metafiles);
  const natives = linkedPackages(linkerMaps);
  return { notices: notices(modules, natives), sbom: bom(modules, natives, epoch) };
}

/** npm packages with code in a bundle: name, version, license and its text. */
function bundledModules(metafiles) {
  const folders = new Set();
  for (const metafile of metafiles) {
    const { outputs } = JSON.parse(readFileSync(metafile, 'utf8'));
    for (const { inputs } of Object.values(outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const found = /.*(node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(input);
        if (found !== null && bytesInOutput > 0) folders.add(found[1]);
      }
    }
  }
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    if (file === undefined || license === undefined) fail(`${name} says nothing of its licence.`);
    return { name, version, license, text: readFileSync(join(root, folder, file), 'utf8').trim() };
  });
}

/**
 * Packages of the distribution from which a static library, or a compiler's object, was linked: name, version,
 * the linked files, and the copyright file.
 */
function linkedPackages(linkerMaps) {
  const files = new Set();
  for (const map of linkerMaps) {
    const text = readFileSync(map, 'utf8');
    const members = text.slice(0, text.search(/^(Discarded input|Memory Configuration|There are no)/m));
    const objects = [...text.matchAll(/^LOAD (\/\S+\.o)$/gm)].map(([, path]) => path);
    const archives = [...members.matchAll(/^(\/\S+\.a)\(/gm)].map(([, path]) => path);
    // Missing files are our own compiler temporaries.
    for (const path of [...objects, ...archives])
      if (existsSync(path)) files.add(realpathSync(resolve(path)));
  }
  const packages = new Map();
  for (const file of [...files].sort()) {
    const name = packageOf(file);
    const taken = packages.get(name) ?? [];
    packages.set(name, [...taken, file.split('/').at(-1)]);
  }
  return [...packages].sort().map(([name, taken]) => {
    const copyright = `/usr/share/doc/${name.split(':')[0]}/copyright`;
    if (!existsSync(copyright)) fail(`${copyright} does not exist; it is a part of the notices.`);
    const [version, architecture] = query(name);
    return {
      name: name.split(':')[0],
      version,
      architecture,
      taken,
      text: readFileSync(copyright, 'utf8').trim(),
    };
  });
}

function packageOf(file) {
  // Where /usr is merged, a package may have its file recorded under the other name.
  for (const path of [file, file.replace(/^\/usr\//, '/'), `/usr${file}`]) {
    const { status, stdout } = spawnSync('dpkg-query', ['--search', path], { encoding: 'utf8' });
    if (status === 0) return stdout.slice(0, stdout.indexOf(': '));
  }
  return fail(
    `${file} belongs to no package: whose it is has to be known. The package is made on Debian or Ubuntu.`,
  );
}

function query(name) {
  const format = `--showformat=\${Version} \${Architecture}`;
  const { status, stdout } = spawnSync('dpkg-query', ['--show', format, name], { encoding: 'utf8' });
  if (status !== 0) fail(`dpkg-query does not know ${name}.`);
  return stdout.split(' ');
}

const LINE = '='.repeat(100);

const RELINKING = `How to relink the loader with a changed library

dist/native/loader is linked statically with the libraries below, of which libelf is used under the GNU Lesser
General Public License, version 3 or later, and libbpf under its BSD-2-Clause licence. All of the loader's own
source is in the repository of HTTP Trace, under the MIT licence (helper/loader/, bpf/), with the recipe that
builds it: scripts/build.mjs, the step "loader". To link it with libraries of your own, put their static archives
(libelf.a, libbpf.a, libz.a, …) into a folder and run

    LIBRARY_PATH=/that/folder npm run build -- --force

The result is dist/native/loader; replace the one in the extension's folder by it, and run
"HTTP Trace: Install Trusted Loader" again where it is installed.`;

function notices(modules, natives) {
  const common = new Map();
  for (const { text } of natives) {
    for (const [, name] of text.matchAll(/\/usr\/share\/common-licenses\/([\w.+-]*\w)/g)) {
      const path = `/usr/share/common-licenses/${name}`;
      if (existsSync(path)) common.set(name, readFileSync(path, 'utf8').trimEnd());
    }
  }
  const sections = [
    'HTTP Trace holds code of the following projects. Each part: who made it, and on what terms.\nMade from what was bundled and linked, by scripts/notices.mjs.',
    RELINKING,
    ...natives.map(
      ({ name, version, taken, text }) =>
        `${name} ${version}, in dist/native: ${taken.join(', ')}\n\n${text}`,
    ),
    ...modules.map(
      ({ name, version, license, text }) => `${name} ${version} (${license}), in dist\n\n${text}`,
    ),
    ...[...common].sort().map(([name, text]) => `The text of ${name}, to which parts above refer\n\n${text}`),
  ];
  return `${sections.join(`\n\n${LINE}\n\n`)}\n`;
}

/** CycloneDX 1.5: npm's own bill, reduced to what is bundled, plus the native parts. */
function bom(modules, natives, epoch) {
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) fail(`npm sbom ended with ${status}: ${stderr}`);
  const bill = JSON.parse(stdout);
  const key = ({ name, version }) => `${name}@${version}`;
  const kept = new Set(modules.map(key));
  const components = bill.components.filter((component) => kept.has(key(component)));
  if (components.length !== kept.size) fail('npm sbom does not know all that is bundled.');
  const { distributor } = osRelease();
  const linked = natives.map(({ name, version, architecture, taken }) => ({
    'bom-ref': `${name}@${version}`,
    type: 'library',
    name,
    version,
    scope: 'required',
    description: `Linked statically: ${taken.join(', ')}`,
    purl: `pkg:deb/${distributor}/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
  }));
  const own = bill.metadata.component['bom-ref'];
  const all = [...components.map((component) => ({ ...component, scope: 'required' })), ...linked];
  const refs = new Set(all.map((component) => component['bom-ref']));
  const dependencies = [
    { ref: own, dependsOn: [...refs] },
    ...bill.dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((name) => refs.has(name)) })),
    ...linked.map((component) => ({ ref: component['bom-ref'], dependsOn: [] })),
  ];
  const digest = createHash('sha256').update(JSON.stringify(all)).digest('hex');
  return `${JSON.stringify(
    {
      ...bill,
      // npm makes up a number and a date; these are the same for the same contents.
      serialNumber: `urn:uuid:${digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-4$3-8$4-$5')}`,
      metadata: {
        ...bill.metadata,
        timestamp: new Date(epoch * 1000).toISOString(),
        component: { ...bill.metadata.component, name: 'http-trace', type: 'application' },
      },
      components: all,
      dependencies,
    },
    null,
    2,
  )}\n`;
}

function osRelease() {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return { distributor: /^ID=(\w+)$/m.exec(text)?.[1] ?? 'debian' };
}

function fail(message) {
  console.error(`notices: ${message}`);
  process.exit(1);
}
