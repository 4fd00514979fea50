// WireGuard key pairs, made here so that the server never sees a private key.

export interface KeyPair {
	privateKey: string; // base64, for the configuration only
	publicKey: string;
}

function base64(bytes: Uint8Array): string {
	return btoa(String.fromCharCode(...bytes));
}

async function byBrowser(): Promise<[Uint8Array, Uint8Array]> {
	const pair = (await crypto.subtle.generateKey({ name: 'X25519' }, true, ['deriveBits'])) as CryptoKeyPair;
	// PKCS#8 of X25519 (RFC 8410) ends in the 32 bytes of the key.
	const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
	const open = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
	return [pkcs8.slice(-32), open];
}

async function byLibrary(): Promise<[Uint8Array, Uint8Array]> {
	const { x25519 } = await import('@noble/curves/ed25519');
	const secret = crypto.getRandomValues(new Uint8Array(32));
	return [secret, x25519.getPublicKey(secret)];
}

export async function makeKeys(): Promise<KeyPair> {
	const [secret, open] = await byBrowser().catch(byLibrary);
	// As "wg genkey" stores it (RFC 7748, section 5); the public key is the same either way.
	secret[0]! &= 248;
	secret[31]! = (secret[31]! & 127) | 64;
	const pair = { privateKey: base64(secret), publicKey: base64(open) };
	secret.fill(0);
	return pair;
}

// The server's text has a marked comment where the key belongs. A name is a comment too and may say
// anything, but comes before it.
export function withKey(config: string, privateKey: string): string {
	const lines = config.split('\n');
	const end = lines.indexOf('[Peer]');
	const at = lines.findLastIndex((line, i) => i < end && /^# PrivateKey = /.test(line));
	if (at < 0)
		throw new Error('The configuration has no place for a key.');
	lines[at] = `PrivateKey = ${privateKey}`;
	return lines.join('\n');
}
