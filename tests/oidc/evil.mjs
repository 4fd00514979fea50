// DOC: an issuer that lies as it is told: each way an ID token can be wrong. It sends browsers back
// at once. GET /mode?is=WORD sets what is wrong; usage: node evil.mjs PORT OTHER_ISSUER
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const [port, other] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const codes = new Map();
let mode = 'good', keys = {}, n = 0, fetched = 0;

async function makeKeys() {
	n++;
	for (const alg of ['RS256', 'ES256', 'EdDSA']) {
		const pair = await generateKeyPair(alg, { extractable: true, crv: 'Ed25519' });
		keys[alg] = { ...pair, kid: `${alg}-${n}`, jwk: await exportJWK(pair.publicKey) };
	}
}

const b64 = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');

async function token(code) {
	const now = Math.floor(Date.now() / 1000);
	const claims = { iss: issuer, aud: code.client, sub: 'eve', nonce: code.nonce, iat: now, exp: now + 300,
		preferred_username: 'eve' };
	let alg = ['RS256', 'ES256', 'EdDSA'].includes(mode) ? mode : 'RS256';
	if (mode === 'nonce') claims.nonce = 'another';
	if (mode === 'nononce') delete claims.nonce;
	if (mode === 'aud') claims.aud = 'somebody';
	if (mode === 'auds') claims.aud = [code.client, 'somebody'];
	if (mode === 'azp') Object.assign(claims, { aud: [code.client, 'somebody'], azp: 'somebody' });
	if (mode === 'expired') Object.assign(claims, { iat: now - 900, exp: now - 600 });
	if (mode === 'noexp') delete claims.exp;
	if (mode === 'future') Object.assign(claims, { iat: now + 900, exp: now + 1200 });
	if (mode === 'iss') claims.iss = other;
	if (mode === 'nosub') delete claims.sub;
	if (mode === 'root') claims.preferred_username = 'admin';
	if (mode === 'none') return `${b64({ alg: 'none' })}.${b64(claims)}.`;
	if (mode === 'hs256') {
		const text = `${b64({ alg: 'HS256', kid: keys.RS256.kid })}.${b64(claims)}`;
		return `${text}.${createHmac('sha256', JSON.stringify(keys.RS256.jwk)).update(text).digest('base64url')}`;
	}
	const key = keys[alg];
	let kid = key.kid;
	if (mode === 'kid') kid = 'unheard of';
	const made = await new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key.privateKey);
	if (mode === 'badsig') return made.slice(0, -6) + 'AAAAAA';
	if (mode === 'changed') {
		const [h, , s] = made.split('.');
		return `${h}.${b64({ ...claims, sub: 'boss' })}.${s}`;
	}
	return made;
}

await makeKeys();
createServer(async (req, res) => {
	const url = new URL(req.url, issuer), q = url.searchParams;
	const json = (status, value) => { res.writeHead(status, { 'Content-Type': 'application/json' }); res.end(JSON.stringify(value)); };
	let body = '';
	for await (const chunk of req) body += chunk;
	if (url.pathname === '/mode') {
		mode = q.get('is');
		if (mode === 'rotate') await makeKeys();
		return json(200, { fetched });
	}
	if (url.pathname.startsWith('/.well-known/'))
		return json(200, { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`,
			jwks_uri: `${issuer}/jwks`, token_endpoint_auth_methods_supported: ['none'] });
	if (url.pathname === '/jwks') {
		fetched++;
		return json(200, { keys: Object.entries(keys).map(([alg, k]) => ({ ...k.jwk, kid: k.kid, alg, use: 'sig' })) });
	}
	if (url.pathname === '/auth') {
		const code = `code-${codes.size}`;
		codes.set(code, { nonce: q.get('nonce'), client: q.get('client_id'), challenge: q.get('code_challenge') });
		const back = new URL(q.get('redirect_uri'));
		back.searchParams.set('code', code);
		back.searchParams.set('state', q.get('state'));
		if (mode === 'mixup') back.searchParams.set('iss', other);
		res.writeHead(302, { Location: back.href });
		return res.end();
	}
	if (url.pathname === '/token') {
		const form = new URLSearchParams(body), code = codes.get(form.get('code'));
		if (mode === 'redirect') { res.writeHead(307, { Location: `${other}/token` }); return res.end(); }
		if (mode === 'huge') return json(200, { id_token: 'x'.repeat(1 << 20) });
		if (!code || createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') !== code.challenge)
			return json(400, { error: 'invalid_grant' });
		codes.delete(form.get('code'));
		return json(200, { access_token: 'x', token_type: 'Bearer', id_token: await token(code) });
	}
	json(404, {});
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
