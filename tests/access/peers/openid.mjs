// An OpenID provider that others wrote and certified, on loopback. Settings come as one line of JSON on standard
// input; prints "ready" when it listens.
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const [line] = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next().then((one) => [one.value]);
const settings = JSON.parse(line);

const provider = new Provider(settings.issuer, {
  clients: settings.clients,
  jwks: settings.jwks,
  cookies: { keys: ['only for this test'] },
  conformIdTokenClaims: false,
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups', 'sor', 'loa'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  async findAccount(_context, id) {
    return { accountId: id, claims: async () => ({ sub: id, ...settings.claims }) };
  },
});
provider.listen(Number(new URL(settings.issuer).port), '127.0.0.1', () => console.log('ready'));
