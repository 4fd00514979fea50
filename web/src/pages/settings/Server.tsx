// Settings of the server; they count at once.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../../lib/api';
import type { ServerSettings } from '../../lib/model';
import { can } from '../../lib/session';
import { Field } from '../../parts/Field';
import { useSaving } from '../../parts/Form';
import { complain, say } from '../../parts/Toasts';

type Numbers = 'session_idle_minutes' | 'session_hours' | 'audit_keep_days';

const numbers: [Numbers, string, string, number, number][] = [
	['session_idle_minutes', 'Sessions end after, minutes without a call', 'Then people sign in again', 1, 43200],
	['session_hours', 'Sessions end at the latest after, hours', 'However busy they are', 1, 720],
	['audit_keep_days', 'Audit lines are kept for, days', '0: for ever', 0, 36500],
];

export function Server() {
	const saving = useSaving();
	const values = useSignal<ServerSettings | null>(null);
	useEffect(() => void api.get<ServerSettings>('/settings').then(found => { values.value = found; }, complain), []);
	const v = values.value;
	if (!v)
		return <p class="dim" role="status">One moment…</p>;
	const may = can('PATCH /settings');
	const { error } = saving;
	return (
		<form
			class="card stack narrow-page"
			onSubmit={e => {
				e.preventDefault();
				void saving.run(async () => {
					const said = await api.patch<ServerSettings>('/settings', v);
					if (values.value === v) // nothing was typed meanwhile
						values.value = said;
					say('Settings saved');
				});
			}}
		>
			{error && !(error.field && error.field in v) && <p class="notice bad" role="alert">{error.message}</p>}
			{numbers.map(([name, title, hint, min, max]) => (
				<Field key={name} label={title} hint={hint} wrong={saving.wrong(name)}>
					<input type="number" min={min} max={max} value={v[name]} disabled={!may} required onInput={e => { values.value = { ...v, [name]: e.currentTarget.valueAsNumber }; }} />
				</Field>
			))}
			<label class="choice">
				<input type="checkbox" checked={v.signon_private_addresses} disabled={!may} onChange={e => { values.value = { ...v, signon_private_addresses: e.currentTarget.checked }; }} />
				<span>Sign-on issuers may be at private addresses<small>Loopback, private and link-local ones. Only if yours is.</small></span>
			</label>
			{may && <div class="row"><button type="submit" class="button primary" disabled={saving.busy}>{saving.busy ? 'One moment…' : 'Save'}</button></div>}
		</form>
	);
}
