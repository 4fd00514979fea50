// What can be done to clients, with its confirmation, its toast and its way back.
import { api } from '../../lib/api';
import { count } from '../../lib/format';
import { makeKeys, withKey } from '../../lib/keys';
import type { List } from '../../lib/list';
import type { Client, ShownOnce } from '../../lib/model';
import { ask } from '../../parts/Dialog';
import { complain, say } from '../../parts/Toasts';

export const PATH = '/wireguard/clients';

// A configuration whose private key exists in this page only, or a link to hand on.
export interface Handout {
	client: Client;
	config?: string;
	link?: string;
}

export async function create(fields: object, onServer: boolean): Promise<Handout> {
	if (onServer)
		return api.post<ShownOnce>(PATH, fields, { link: 1 });
	const keys = await makeKeys();
	const said = await api.post<ShownOnce>(PATH, { ...fields, public_key: keys.publicKey });
	return { client: said.client, config: said.config && withKey(said.config, keys.privateKey) };
}

export async function rotate(client: Client, onServer = false): Promise<Handout> {
	const path = `${PATH}/${client.id}/rotate`;
	if (onServer)
		return api.post<ShownOnce>(path, {}, { link: 1 });
	const keys = await makeKeys();
	const said = await api.post<ShownOnce>(path, { public_key: keys.publicKey });
	return { client: said.client, config: said.config && withKey(said.config, keys.privateKey) };
}

// Each of them, a few at a time; how many could not be done, and why the first one.
async function each(ids: string[], run: (id: string) => Promise<unknown>): Promise<void> {
	const left = [...ids];
	let failed = 0;
	let why: unknown;
	await Promise.all(Array.from({ length: 6 }, async () => {
		for (let id = left.pop(); id; id = left.pop())
			await run(id).catch(error => {
				failed++;
				why ??= error;
			});
	}));
	if (failed > 0)
		complain(failed === ids.length && failed === 1 ? why : `${failed} of ${ids.length} could not be changed: ${(why as Error).message}`);
}

export async function enable(list: List<Client> | null, clients: Client[], enabled: boolean): Promise<void> {
	const changed = clients.filter(c => c.enabled !== enabled);
	if (changed.length === 0)
		return;
	const done = changed.map(c => list?.hold(c.id, { enabled }));
	await each(changed.map(c => c.id), id => api.patch(`${PATH}/${id}`, { enabled }));
	for (const release of done)
		release?.();
	list?.refresh();
	const what = changed.length === 1 ? changed[0]!.name : count(changed.length, 'client');
	const cut = changed.length === 1 ? 'is cut off' : 'are cut off';
	say(`${what} ${enabled ? 'may connect again' : cut}`, {
		text: 'Undo',
		run: () => void enable(list, changed.map(c => ({ ...c, enabled })), !enabled),
	});
}

export async function remove(list: List<Client> | null, clients: Client[]): Promise<boolean> {
	const one = clients.length === 1 ? clients[0]! : null;
	const sure = await ask(
		one ? `Delete ${one.name}?` : `Delete ${count(clients.length, 'client')}?`,
		one
			? 'Its connection ends now, and its configuration never works again. There is no way back.'
			: 'Their connections end now, and their configurations never work again. There is no way back.',
		'Delete',
	);
	if (!sure)
		return false;
	await each(clients.map(c => c.id), async id => {
		await api.delete(`${PATH}/${id}`);
		list?.remove(id);
	});
	list?.refresh();
	say(`${one ? one.name : count(clients.length, 'client')} deleted`);
	return true;
}
