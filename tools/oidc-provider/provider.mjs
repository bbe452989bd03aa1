// provider.mjs PORT CALLBACK: an OpenID Connect provider on loopback that signs in
// whom its file "person" names, without asking. For tests.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
const [port, callback, modules, person] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(createRequire(modules + '/').resolve('oidc-provider')));
const who = () => readFileSync(person, 'utf8').trim();
const claims = (id) => ({ sub: id, email: id + '@example.com', email_verified: true, given_name: 'Alice', family_name: 'Ångström', groups: ['technicians'] });
const p = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'strongroom', client_secret: 's3cret-of-the-client-0123456789', redirect_uris: [callback], response_types: ['code'], grant_types: ['authorization_code'] }],
  features: { devInteractions: { enabled: false } },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name', 'groups'] },
  conformIdTokenClaims: process.argv[6] === 'strict', pkce: { required: () => true },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => claims(id) }),
  interactions: { url: (_, i) => `/i/${i.uid}` }, cookies: { keys: ['test'] },
});
p.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/i/')) return next();
  const d = await p.interactionDetails(ctx.req, ctx.res);
  const g = d.grantId ? await p.Grant.find(d.grantId) : new p.Grant({ accountId: who(), clientId: d.params.client_id });
  g.addOIDCScope('openid email profile');
  await p.interactionFinished(ctx.req, ctx.res, { login: { accountId: who(), amr: ['pwd', 'otp'] }, consent: { grantId: await g.save() } });
  ctx.respond = false;
});
p.listen(Number(port), '127.0.0.1', () => console.log('ready'));
