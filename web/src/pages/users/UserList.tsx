// The users of a project, and what is done to them.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api } from '../../lib/api';
import { useEdited } from '../../lib/edit';
import { ago, count, moment } from '../../lib/format';
import { List } from '../../lib/list';
import type { Role, User } from '../../lib/model';
import { nameOf } from '../../lib/names';
import { can, me } from '../../lib/session';
import { useShortcuts } from '../../lib/shortcuts';
import { ask } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { Menu } from '../../parts/Menu';
import { Search } from '../../parts/Search';
import { SecretShown } from '../../parts/Secret';
import { Table, type Column } from '../../parts/Table';
import { complain, say } from '../../parts/Toasts';
import { RightsFields, grantName, type Rights } from './Rights';

interface FormProps {
	user?: User;
	roles: Role[];
	onClose: () => void;
	onDone: (user: User & { password?: string }) => void;
}

function UserForm({ user, roles, onClose, onDone }: FormProps) {
	const saving = useSaving();
	const [name, enabled] = [useSignal(user?.name ?? ''), useSignal(user?.enabled ?? true)];
	const rights = useSignal<Rights>({ role: user?.role ?? 'viewer', scopes: user?.scopes ?? [], grants: user?.grants ?? [] });
	const edit = useEdited<User & { password?: string }>(user, { ...rights.value, enabled: enabled.value });
	return (
		<FormDialog
			title={user ? `Edit ${user.name}` : 'Add a user'} action={user ? 'Save' : 'Add'} saving={saving} fields={['name', 'role', 'scopes', 'grants']} onClose={onClose}
			save={async () => onDone(user
				? await edit(`/users/${user.id}`)
				: await api.post('/users', { name: name.value, ...rights.value }))}
		>
			{!user && (
				<Field label="Name" wrong={saving.wrong('name')} hint="What they sign in with; it stays">
					<input value={name.value} onInput={e => { name.value = e.currentTarget.value; }} maxLength={128} autocomplete="off" autocapitalize="none" spellcheck={false} required data-focus />
				</Field>
			)}
			<RightsFields value={rights.value} roles={roles} saving={saving} onChange={v => { rights.value = v; }} />
			{user && user.id !== me.value?.id && (
				<label class="choice">
					<input type="checkbox" checked={enabled.value} onChange={e => { enabled.value = e.currentTarget.checked; }} />
					<span>May sign in<small>Off: their sessions end now, and so does what their tokens may.</small></span>
				</label>
			)}
		</FormDialog>
	);
}

async function sure(u: User, title: string, text: string, yes: string, run: () => Promise<unknown>, done: string): Promise<boolean> {
	if (!(await ask(title, text, yes)))
		return false;
	try {
		await run();
		say(`${u.name}: ${done}`);
		return true;
	} catch (e) {
		complain(e);
		return false;
	}
}

export function UserList({ roles }: { roles: Role[] }) {
	const list = useMemo(() => new List<User>('/users', { sort: 'name' }), []);
	const search = useSignal('');
	const editing = useSignal<User | 'new' | null>(null);
	const shown = useSignal<{ name: string; password: string } | null>(null);
	const find = () => list.ask({ ...list.query.value, search: search.value });
	useEffect(() => {
		find();
		return () => list.close();
	}, []);
	const may = can('PATCH /users/{id}');
	useShortcuts(can('POST /users') ? [{ keys: 'n', does: 'add a user', run: () => { editing.value = 'new'; } }] : []);
	const password = async (u: User) => {
		if (!(await ask(`A new password for ${u.name}?`, 'The old one and their sessions end now. You get one that works once.', 'Make a password', false)))
			return;
		try {
			shown.value = { name: u.name, password: (await api.post<{ password: string }>(`/users/${u.id}/password`)).password };
			list.refresh();
		} catch (e) {
			complain(e);
		}
	};
	const actions = (u: User) => [
		{ text: 'Edit', icon: 'edit', run: () => { editing.value = u; } },
		...(u.id === me.value?.id ? [] : [
			{ text: 'New password', icon: 'key', run: () => void password(u) },
			...(u.totp ? [{ text: 'Reset second step', icon: 'power', run: () => void sure(u, `Reset the second step of ${u.name}?`, 'They sign in with their password alone until they set it up again.', 'Reset', () => api.delete(`/users/${u.id}/totp`), 'second step reset').then(() => list.refresh()) }] : []),
			{ text: 'End sessions', icon: 'exit', run: () => void sure(u, `End all sessions of ${u.name}?`, 'They have to sign in again everywhere.', 'End them', () => api.delete(`/users/${u.id}/sessions`), 'sessions ended') },
			{ text: 'Delete', icon: 'trash', danger: true, run: () => void sure(u, `Delete ${u.name}?`, 'Their sessions end now, and tokens they made are deleted with them.', 'Delete', () => api.delete(`/users/${u.id}`), 'deleted').then(done => { if (done) list.remove(u.id); }) },
		]),
	];
	const columns: Column<User>[] = [
		{
			id: 'name', title: 'Name', sort: 'name',
			cell: u => (
				<>
					{may ? <button type="button" class="link clip" tabIndex={-1} onClick={() => { editing.value = u; }}>{u.name}</button> : <span class="name clip">{u.name}</span>}
					<div class="clip small dim"><span class="narrow">{u.role}</span> {!u.enabled && <span class="tag warn">disabled</span>} {u.must_change_password && <span class="tag" title="has a one-time password">not signed in yet</span>} {u.issuer && <span class="tag">by sign-on</span>} {u.id === me.value?.id && <span class="tag accent">you</span>}</div>
				</>
			),
		},
		{ id: 'role', title: 'Role', sort: 'role', width: '160px', className: 's', cell: u => <span class="clip">{u.role}</span> },
		{
			id: 'where', title: 'Where', width: '240px', className: 'l',
			cell: u => <div class="clip" title={[...u.scopes.map(nameOf), ...u.grants.map(grantName)].join(', ')}>{u.scopes.length > 0 ? u.scopes.map(nameOf).join(', ') : u.project ? 'the whole project' : 'everywhere'}{u.grants.length > 0 && <div class="clip small dim">and {u.grants.map(grantName).join(', ')}</div>}</div>,
		},
		{ id: 'totp', title: 'Second step', width: '130px', className: 'm', cell: u => u.totp ? <span class="state"><span class="tag accent">on</span></span> : <span class="dim">off</span> },
		{ id: 'login', title: 'Last sign-in', sort: 'last_login', width: '146px', className: 'm', cell: u => <span title={moment(u.last_login)}>{ago(u.last_login)}</span> },
	];
	if (may)
		columns.push({ id: 'actions', title: '(Actions)', className: 'actions', cell: u => <div class="row end"><Menu label={`More for ${u.name}`} items={actions(u)} /></div> });
	return (
		<>
			<div class="tools">
				<Search label="Search users" value={search.value} onChange={t => { search.value = t; }} onAsk={find} />
				<p role="status" class="dim grow">{list.silent.value ? '–' : count(list.total.value, 'user')}</p>
				{can('POST /users') && <button type="button" class="button primary" onClick={() => { editing.value = 'new'; }}><Icon name="plus" />Add a user<kbd aria-hidden="true">n</kbd></button>}
			</div>
			<Table
				label="Users" list={list} columns={columns} name={u => u.name} open={may ? u => { editing.value = u; } : undefined}
				empty={<><h2>Nobody like that</h2><p>No user matches.</p></>}
			/>
			{editing.value && (
				<UserForm
					user={editing.value === 'new' ? undefined : editing.value} roles={roles} onClose={() => { editing.value = null; }}
					onDone={u => {
						editing.value = null;
						list.refresh();
						if (u.password)
							shown.value = { name: u.name, password: u.password };
						else
							say(`${u.name} saved`);
					}}
				/>
			)}
			{shown.value && (
				<SecretShown
					title={`Password of ${shown.value.name}`} label="One-time password" text={shown.value.password}
					about="It is shown this once and works once: at the first sign-in they choose their own." onClose={() => { shown.value = null; }}
				/>
			)}
		</>
	);
}
