// Who is signed in and what they may call.
import { signal } from '@preact/signals';
import { ApiError, api, ended, onSignedOut, project } from './api';

export interface Me {
	kind: string;
	id: string;
	name: string;
	role: string;
	project: string | null;
	must_change_password: boolean;
	totp: boolean;
	permissions: string[];
	can: string[];
}

// undefined: not known yet; null: nobody. While ended is true, who it was until now.
export const me = signal<Me | null | undefined>(undefined);
export const unreachable = signal('');

const waiting: ((back: boolean) => void)[] = [];

onSignedOut.run = async wait => {
	const who = me.value;
	ended.value ||= !!who;
	// Nothing is open yet that could be kept.
	if (!who || who.must_change_password)
		me.value = null;
	return me.value && wait ? new Promise<boolean>(done => waiting.push(done)) : false;
};

// Somebody is signed in, or nobody is and that is as it should be.
function settle(who: Me | null): void {
	// Whoever comes in place of somebody else finds nothing of theirs.
	if (who && me.value && who.id !== me.value.id) {
		choose('');
		location.reload();
		return;
	}
	me.value = who;
	if (who?.must_change_password && ended.value)
		return;
	ended.value = false;
	for (const done of waiting.splice(0))
		done(!!who);
}

// Does the server have this call, and may this user make it? "PATCH /wireguard/clients/{id}"
export function can(call: string): boolean {
	const [method, path] = call.split(' ', 2);
	return me.value?.can.includes(`${method} /api/v1${path}`) ?? false;
}

export async function restore(): Promise<void> {
	try {
		settle(await api.get<Me>('/me'));
		unreachable.value = '';
	} catch (error) {
		if (!(error instanceof ApiError && error.status === 401))
			unreachable.value = (error as Error).message;
	}
}

// code: of the authenticator or a recovery code, for who has a second step.
export async function signIn(name: string, password: string, code = ''): Promise<void> {
	settle(await api.post<Me>('/login', code ? { name, password, code } : { name, password }));
}

export async function changePassword(current: string, password: string): Promise<void> {
	settle(await api.post<Me>('/me/password', { current, password }));
}

export async function signOut(): Promise<void> {
	await api.post('/logout').catch(() => {});
	choose('');
	settle(null);
}

export function choose(id: string): void {
	project.value = id;
	sessionStorage.setItem('project', id);
}
