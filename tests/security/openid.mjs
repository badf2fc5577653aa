// A witness that none of us wrote: oidc-provider, which the OpenID Foundation certified, signs people in to a shop of
// ours. It prints its issuer, reads the shop's address, walks as a browser would, and prints a line for each thing seen.
// It is told by its argument where oidc-provider is installed.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(`${process.argv[2]}/`));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const ALGORITHMS = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] };
const SHOP = 'http://shop.souk.example';
const keys = Object.entries(ALGORITHMS).map(([alg, [kind, options]]) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `key-${alg}`,
}));
const clients = Object.keys(ALGORITHMS).map((alg) => ({
  client_id: `shop ${alg}`,
  client_secret: `secret: of ${alg}`,
  redirect_uris: [`${SHOP}/login/with/${alg.toLowerCase()}/callback`],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: alg,
}));

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  cookies: { keys: ['a key of this run'] },
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  enabledJWA: { idTokenSigningAlgValues: Object.keys(ALGORITHMS) },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@souk.example`, email_verified: id !== 'unverified', name: `Witness ${id}` }),
  }),
});
server.on('request', provider.callback());
console.log(`issuer ${issuer}`);

// A browser: cookies by host, nothing followed by itself.
class Browser {
  jar = new Map();
  async ask(url, form) {
    const { host } = new URL(url);
    const jar = this.jar.get(host) ?? new Map();
    this.jar.set(host, jar);
    const headers = { accept: 'text/html', cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
    const body = form && new URLSearchParams(form);
    const answer = await fetch(url, { method: form ? 'POST' : 'GET', headers, body, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (value === '' || /max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return { status: answer.status, location: answer.headers.get('location'), text: await answer.text() };
  }
}

const [address] = await new Promise((line) => createInterface({ input: process.stdin }).once('line', (text) => line([text])));
const shop = `http://${address}`;

// From the shop's page to where the provider sends the browser back.
async function visit(browser, alg, person) {
  let answer = await browser.ask(`${shop}/login/with/${alg.toLowerCase()}?next=%2F`);
  for (let step = 0; step < 12; step += 1) {
    if (answer.location?.startsWith(SHOP)) return answer.location.replace(SHOP, shop);
    if (answer.location) {
      answer = await browser.ask(new URL(answer.location, issuer).href);
      continue;
    }
    const action = answer.text.match(/<form[^>]*action="([^"]+)"/)?.[1];
    if (!action) break;
    const prompt = answer.text.match(/name="prompt" value="([^"]+)"/)?.[1] ?? 'login';
    answer = await browser.ask(new URL(action, issuer).href, { prompt, login: person, password: 'any' });
  }
  throw new Error(`${alg}: the provider stopped at ${answer.status}: ${answer.text.slice(0, 300)}`);
}

let failed = 0;
function see(what, holds, found) {
  console.log(`${holds ? 'seen' : 'NOT SEEN'}: ${what}${holds ? '' : ` (${found})`}`);
  if (!holds) failed += 1;
}

async function me(browser) {
  const jar = browser.jar.get(new URL(shop).host);
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const answer = await fetch(`${shop}/api/v1/me`, { headers: { cookie } });
  return answer.json();
}

for (const alg of Object.keys(ALGORITHMS)) {
  const first = new Browser();
  const callback = await visit(first, alg, 'ann');
  const answer = await first.ask(callback);
  see(`${alg}: a person is signed in`, answer.status === 303 && answer.location === '/', `${answer.status} ${answer.text}`);
  const profile = await me(first);
  see(`${alg}: as who they are`, profile.email === 'ann@souk.example' && !!profile.verified_at, JSON.stringify(profile));
  const again = await first.ask(callback);
  see(`${alg}: the same answer once more signs nobody in`, again.status === 401, again.status);
  const [thief, owner] = [new Browser(), new Browser()];
  const [own, stolen] = [await visit(thief, alg, 'eve'), await visit(owner, alg, 'ann')];
  const mixed = new URL(own);
  mixed.searchParams.set('code', new URL(stolen).searchParams.get('code'));
  const refused = await thief.ask(mixed.href);
  see(`${alg}: another's code signs nobody in`, refused.status === 401, refused.status);
  const nobody = new Browser();
  const unverified = await nobody.ask(await visit(nobody, alg, 'unverified'));
  see(`${alg}: an unverified address opens no account`, unverified.status === 403, unverified.status);
}
process.exit(failed === 0 ? 0 : 1);
