// DOC: a real OpenID provider (npm oidc-provider) for tests/e2e/accounts: any name signs in, "boss"
// is in the group admins. usage: node provider.mjs PORT REDIRECT_URI
import Provider from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
	clients: [
		{
			client_id: 'warren',
			client_secret: 'not so secret + odd/characters',
			redirect_uris: [redirect],
			grant_types: ['authorization_code'],
			response_types: ['code'],
			id_token_signed_response_alg: 'RS256',
		},
		{
			client_id: 'public',
			token_endpoint_auth_method: 'none',
			redirect_uris: [redirect],
			grant_types: ['authorization_code'],
			response_types: ['code'],
		},
	],
	pkce: { methods: ['S256'], required: () => true },
	conformIdTokenClaims: false,
	claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
	cookies: { keys: ['only a test'] },
	findAccount: (ctx, id) => ({
		accountId: id,
		claims: () => ({
			sub: id,
			preferred_username: `${id}@example`,
			groups: id === 'boss' ? ['staff', 'admins'] : ['staff'],
		}),
	}),
	features: { devInteractions: { enabled: true } },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
