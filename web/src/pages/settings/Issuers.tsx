// Sign-on: issuers (OpenID Connect) that say who people are.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { all, api } from '../../lib/api';
import { words } from '../../lib/format';
import type { Issuer, Role } from '../../lib/model';
import { can } from '../../lib/session';
import { ask } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { CopyBox } from '../../parts/Secret';
import { complain, say } from '../../parts/Toasts';

type Draft = Omit<Issuer, 'id' | 'has_client_secret' | 'role_map'> & { role_map: string; client_secret: string };

const none: Draft = { name: '', url: '', client_id: '', client_secret: '', scope: 'profile email', role_claim: '', role_map: '', default_role: '', create_users: true, enabled: true };

function IssuerForm({ issuer, onClose, onDone }: { issuer?: Issuer; onClose: () => void; onDone: () => void }) {
	const saving = useSaving();
	const draft = useSignal<Draft>(issuer ? { ...issuer, role_map: issuer.role_map.join(', '), client_secret: '' } : none);
	const roles = useSignal<Role[]>([]);
	useEffect(() => void all<Role>('/roles').then(found => { roles.value = found; }, () => {}), []);
	const d = draft.value;
	const set = (change: Partial<Draft>) => { draft.value = { ...draft.value, ...change }; };
	const line = (name: 'name' | 'url' | 'client_id' | 'scope' | 'role_claim' | 'role_map', label: string, hint: string, needed = false, wide = false) => (
		<Field label={label} hint={hint} wrong={saving.wrong(name)} wide={wide}>
			<input value={d[name] ?? ''} onInput={e => set({ [name]: e.currentTarget.value })} required={needed} spellcheck={false} autocapitalize="none" data-focus={name === 'name' || undefined} />
		</Field>
	);
	return (
		<FormDialog
			title={issuer ? `Edit ${issuer.name}` : 'Add an issuer'} action={issuer ? 'Save' : 'Add'} saving={saving} onClose={onClose}
			fields={['name', 'url', 'client_id', 'client_secret', 'scope', 'role_claim', 'role_map', 'default_role']}
			save={async () => {
				const fields: Record<string, unknown> = {
					name: d.name, client_id: d.client_id, scope: d.scope || null, role_claim: d.role_claim || null, role_map: words(d.role_map),
					default_role: d.default_role || null, create_users: d.create_users, enabled: d.enabled,
				};
				if (d.client_secret)
					fields.client_secret = d.client_secret;
				await (issuer ? api.patch(`/issuers/${issuer.id}`, fields) : api.post('/issuers', { ...fields, url: d.url }));
				say(`${d.name} ${issuer ? 'saved' : 'made'}`);
				onDone();
			}}
		>
			<div class="fields">
				{line('name', 'Name', 'On the button: “Sign in with …”', true, !!issuer)}
				{!issuer && line('url', 'Issuer', 'Its address, exactly as its tokens say', true)}
				{line('client_id', 'Client ID', 'What it calls this server', true)}
				<Field label="Client secret" wrong={saving.wrong('client_secret')} hint={issuer?.has_client_secret ? 'Empty: as it is. Kept sealed.' : 'If it gave you one. Kept sealed.'}>
					<input type="password" value={d.client_secret} onInput={e => set({ client_secret: e.currentTarget.value })} autocomplete="off" />
				</Field>
				{line('scope', 'Asked for besides openid', 'Separated by blanks')}
				{line('role_claim', 'Claim with roles', 'Such as groups')}
				{line('role_map', 'What of it is which role', 'Such as admins=org-admin, staff=viewer; the first that fits', false, true)}
				<Field label="Role of everybody else" wrong={saving.wrong('default_role')}>
					<select value={d.default_role ?? ''} onChange={e => set({ default_role: e.currentTarget.value })}>
						<option value="">none: they are refused</option>
						{roles.value.filter(r => r.name !== 'system-admin').map(r => <option key={r.id} value={r.name}>{r.name}</option>)}
					</select>
				</Field>
			</div>
			<label class="choice">
				<input type="checkbox" checked={d.create_users} onChange={e => set({ create_users: e.currentTarget.checked })} />
				<span>People it names get a user<small>Off: only those who were given one.</small></span>
			</label>
			<label class="choice">
				<input type="checkbox" checked={d.enabled} onChange={e => set({ enabled: e.currentTarget.checked })} />
				<span>Its button is shown</span>
			</label>
		</FormDialog>
	);
}

export function Issuers() {
	const list = useSignal<Issuer[]>([]);
	const editing = useSignal<Issuer | 'new' | null>(null);
	const load = () => all<Issuer>('/issuers').then(found => { list.value = found; }, complain);
	useEffect(() => void load(), []);
	const remove = async (i: Issuer) => {
		if (!(await ask(`Delete ${i.name}?`, 'People who sign in by it cannot any more; their users stay.', 'Delete')))
			return;
		try {
			await api.delete(`/issuers/${i.id}`);
			say(`${i.name} deleted`);
			await load();
		} catch (e) {
			complain(e);
		}
	};
	return (
		<section class="card stack narrow-page" aria-label="Sign-on issuers">
			<div class="row">
				<h2 class="grow">Issuers</h2>
				{can('POST /issuers') && <button type="button" class="button primary" onClick={() => { editing.value = 'new'; }}><Icon name="plus" />Add an issuer</button>}
			</div>
			<p class="dim">Let people sign in with what they already use (OpenID Connect). Tell the issuer this address to come back to:</p>
			<CopyBox label="Address to come back to" text={`${location.origin}/api/v1/login/callback`} />
			<ul class="lines">
				{list.value.map(i => (
					<li key={i.id} class="row">
						<div class="grow">
							<div class="clip">{i.name} {!i.enabled && <span class="tag">off</span>}</div>
							<div class="clip small dim">{i.url}</div>
						</div>
						{can('PATCH /issuers/{id}') && <button type="button" class="button" aria-label={`Edit issuer ${i.name}`} onClick={() => { editing.value = i; }}><Icon name="edit" />Edit</button>}
						{can('DELETE /issuers/{id}') && <button type="button" class="button plain icon danger" aria-label={`Delete issuer ${i.name}`} onClick={() => void remove(i)}><Icon name="trash" /></button>}
					</li>
				))}
			</ul>
			{list.value.length === 0 && <p class="dim small">None yet: people sign in with name and password.</p>}
			{editing.value && <IssuerForm issuer={editing.value === 'new' ? undefined : editing.value} onClose={() => { editing.value = null; }} onDone={() => { editing.value = null; void load(); }} />}
		</section>
	);
}
