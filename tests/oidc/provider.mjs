// A certified OpenID Connect provider for tests: `node provider.mjs PORT CALLBACK`.
// Its login form takes any name; a name's claims are made from it.

import Provider from "oidc-provider";

const [port, callback] = process.argv.slice(2);
const claims = (id) => ({
  sub: id,
  email: `${id}@example.org`,
  email_verified: !id.startsWith("unverified"),
  preferred_username: id,
  groups: id.startsWith("anna") ? ["hr", "everyone", "nowhere"] : [],
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "countersign", client_secret: "only-for-tests-and-nothing-else-000", redirect_uris: [callback], grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username", "groups"] },
  findAccount: (_, id) => ({ accountId: id, claims: async () => claims(id) }),
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
  cookies: { keys: ["only-for-tests"] },
  ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 60, Session: 60, Grant: 60 },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
