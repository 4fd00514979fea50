// What can be done to nodes, with its question and its toast.
import { api, ApiError, type Query } from '../../lib/api';
import type { FleetNode } from '../../lib/model';
import { ask } from '../../parts/Dialog';
import { complain, say } from '../../parts/Toasts';

// An edit by which nodes would lose each other is refused unless forced: asked with the server's own
// words. False when it was not done.
export async function unlessLost(edit: (query: Query) => Promise<unknown>, yes: string): Promise<boolean> {
	try {
		await edit({});
	} catch (e) {
		if (!(e instanceof ApiError) || e.field !== 'force')
			throw e;
		if (!(await ask('Nodes would lose each other', e.message, yes)))
			return false;
		await edit({ force: 1 });
	}
	return true;
}

export async function enableNode(n: FleetNode, enabled: boolean): Promise<void> {
	if (!enabled && !(await ask(`Disable ${n.name}?`, 'It leaves its networks: what is behind it, and clients that are at it alone, are cut off until it is enabled again.', 'Disable')))
		return;
	try {
		if (await unlessLost(query => api.patch(`/nodes/${n.id}`, { enabled }, query), 'Disable all the same'))
			say(`${n.name} ${enabled ? 'takes part again' : 'is disabled'}`);
	} catch (e) {
		complain(e);
	}
}

export async function rotateNode(n: FleetNode): Promise<void> {
	if (!(await ask(`New keys for ${n.name}?`, 'It makes new ones itself; its peers take both until it has switched, so that nothing is interrupted.', 'Make new keys', false)))
		return;
	try {
		await api.post(`/nodes/${n.id}/rotate`);
		say(`${n.name} was asked for new keys`);
	} catch (e) {
		complain(e);
	}
}

export async function removeNode(n: FleetNode): Promise<boolean> {
	if (!(await ask(`Remove ${n.name}?`, 'Its addresses and keys are given up at once. To come back it has to join anew, with a new token.', 'Remove')))
		return false;
	try {
		if (!(await unlessLost(query => api.delete(`/nodes/${n.id}`, query), 'Remove all the same')))
			return false;
		say(`${n.name} removed`);
		return true;
	} catch (e) {
		complain(e);
		return false;
	}
}
