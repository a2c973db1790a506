// Looks up names with c-ares (dns.resolve), or getaddrinfo if the first argument is `lookup`, and calls their servers.
import { lookup, Resolver } from 'node:dns/promises';
import { get } from 'node:http';

const [how, ...names] = process.argv.slice(2);
// c-ares asks again after this time. It must not where an answer comes, however late.
const patient = new Resolver({ timeout: 30_000, tries: 2 });
const impatient = new Resolver({ timeout: 300, tries: 2 });
const resolverOf = (name) => (name.startsWith('silent.') ? impatient : patient);

const call = (name, address) =>
  new Promise((resolve, reject) => {
    const request = get({ host: address, headers: { host: name }, agent: false }, (response) => {
      response.resume().on('end', resolve);
    });
    request.on('error', reject);
  });

for (const name of names) {
  try {
    const address =
      how === 'lookup' ? (await lookup(name)).address : (await resolverOf(name).resolve4(name))[0];
    await call(name, address);
    console.log(`${name} ok`);
  } catch (error) {
    console.log(`${name} ${error.code}`);
  }
}
