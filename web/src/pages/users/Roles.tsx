// Roles: the built-in ones as they are, and those a project makes of single permissions.
import { useSignal } from '@preact/signals';
import { api } from '../../lib/api';
import { atoms } from '../../lib/atoms';
import { useEdited } from '../../lib/edit';
import { count } from '../../lib/format';
import type { Role } from '../../lib/model';
import { can, me } from '../../lib/session';
import { useShortcuts } from '../../lib/shortcuts';
import { ask } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { complain, say } from '../../parts/Toasts';

function RoleForm({ role, onClose, onDone }: { role?: Role; onClose: () => void; onDone: () => void }) {
	const saving = useSaving();
	const name = useSignal(role?.name ?? '');
	const description = useSignal(role?.description ?? '');
	const chosen = useSignal<string[]>(role?.permissions ?? []);
	const mine = me.value?.permissions ?? [];
	const fields = { description: description.value || null, permissions: chosen.value };
	const edit = useEdited(role, fields);
	return (
		<FormDialog
			title={role ? `Edit ${role.name}` : 'Add a role'} action={role ? 'Save' : 'Add'} saving={saving} fields={['name', 'description', 'permissions']} disabled={chosen.value.length === 0} onClose={onClose}
			save={async () => {
				await (role ? edit(`/roles/${role.id}`) : api.post('/roles', { ...fields, name: name.value }));
				say(`${name.value} ${role ? 'saved' : 'made'}`);
				onDone();
			}}
		>
			{!role && (
				<Field label="Name" wrong={saving.wrong('name')} hint="It stays: users name it">
					<input value={name.value} onInput={e => { name.value = e.currentTarget.value; }} maxLength={128} required data-focus />
				</Field>
			)}
			<Field label="Description" wrong={saving.wrong('description')}>
				<input value={description.value} onInput={e => { description.value = e.currentTarget.value; }} maxLength={256} />
			</Field>
			<fieldset>
				<legend>What it may</legend>
				<div class="choices two">
					{Object.entries(atoms).map(([atom, about]) => {
						const held = mine.includes(atom);
						const on = chosen.value.includes(atom);
						return (
							<label class="choice" key={atom} title={held ? '' : 'You do not hold this yourself'}>
								<input type="checkbox" checked={on} disabled={!held && !on} onChange={e => { chosen.value = e.currentTarget.checked ? [...chosen.value, atom] : chosen.value.filter(a => a !== atom); }} />
								<span><code>{atom}</code><small>{about}</small></span>
							</label>
						);
					})}
				</div>
				{saving.wrong('permissions') && <span class="wrong" role="alert">{saving.wrong('permissions')}</span>}
			</fieldset>
		</FormDialog>
	);
}

export function Roles({ roles, changed }: { roles: Role[]; changed: () => void }) {
	const editing = useSignal<Role | 'new' | null>(null);
	const mayAdd = can('POST /roles');
	useShortcuts(mayAdd ? [{ keys: 'n', does: 'add a role', run: () => { editing.value = 'new'; } }] : []);
	const remove = async (r: Role) => {
		if (!(await ask(`Delete the role ${r.name}?`, 'It can only be deleted when no user and no token has it.', 'Delete')))
			return;
		try {
			await api.delete(`/roles/${r.id}`);
			say(`${r.name} deleted`);
			changed();
		} catch (e) {
			complain(e);
		}
	};
	return (
		<>
			<div class="tools">
				<p role="status" class="dim grow">{count(roles.length, 'role')}</p>
				{mayAdd && <button type="button" class="button primary" onClick={() => { editing.value = 'new'; }}><Icon name="plus" />Add a role<kbd aria-hidden="true">n</kbd></button>}
			</div>
			<div class="cards">
				{roles.map(r => (
					<section class="card stack tight" key={r.id} aria-label={r.name}>
						<div class="row">
							<h2 class="grow clip">{r.name}</h2>
							{r.builtin && <span class="tag">built in</span>}
							{!r.builtin && can('PATCH /roles/{id}') && (
								<>
									<button type="button" class="button plain icon" aria-label={`Edit role ${r.name}`} onClick={() => { editing.value = r; }}><Icon name="edit" /></button>
									{can('DELETE /roles/{id}') && <button type="button" class="button plain icon danger" aria-label={`Delete role ${r.name}`} onClick={() => void remove(r)}><Icon name="trash" /></button>}
								</>
							)}
						</div>
						{r.description && <p class="dim">{r.description}</p>}
						<ul class="atoms">{r.permissions.map(p => <li key={p}><code>{p}</code> <span class="dim small">{atoms[p]}</span></li>)}</ul>
					</section>
				))}
			</div>
			{editing.value && <RoleForm role={editing.value === 'new' ? undefined : editing.value} onClose={() => { editing.value = null; }} onDone={() => { editing.value = null; changed(); }} />}
		</>
	);
}
