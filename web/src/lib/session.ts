// Who is signed in and what they may call.
import { signal } from '@preact/signals';
import { ApiError, api, onSignedOut, project } from './api';

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

// undefined: not known yet; null: nobody
export const me = signal<Me | null | undefined>(undefined);
export const unreachable = signal('');
export const ended = signal(false); // was signed in, and is not any more

onSignedOut.run = () => {
	ended.value ||= !!me.value;
	me.value = null;
};

// Does the server have this call, and may this user make it? "PATCH /wireguard/clients/{id}"
export function can(call: string): boolean {
	const [method, path] = call.split(' ', 2);
	return me.value?.can.includes(`${method} /api/v1${path}`) ?? false;
}

export async function restore(): Promise<void> {
	try {
		me.value = await api.get<Me>('/me');
		unreachable.value = '';
	} catch (error) {
		if (error instanceof ApiError && error.status === 401)
			me.value = null;
		else
			unreachable.value = (error as Error).message;
	}
}

// code: of the authenticator or a recovery code, for who has a second step.
export async function signIn(name: string, password: string, code = ''): Promise<void> {
	me.value = await api.post<Me>('/login', code ? { name, password, code } : { name, password });
	ended.value = false;
}

export async function changePassword(current: string, password: string): Promise<void> {
	me.value = await api.post<Me>('/me/password', { current, password });
}

export async function signOut(): Promise<void> {
	await api.post('/logout').catch(() => {});
	choose('');
	ended.value = false;
	me.value = null;
}

export function choose(id: string): void {
	project.value = id;
	sessionStorage.setItem('project', id);
}
