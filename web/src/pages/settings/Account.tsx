// One's own account: password, second step, sessions. What weakens a way in asks for the password.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../../lib/api';
import { ago, moment } from '../../lib/format';
import type { Session } from '../../lib/model';
import { changePassword, me, restore } from '../../lib/session';
import { ask } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { Picture } from '../../parts/Picture';
import { CopyBox, SecretShown } from '../../parts/Secret';
import { complain, say } from '../../parts/Toasts';

function PasswordForm({ onClose }: { onClose: () => void }) {
	const saving = useSaving();
	const [current, fresh, again] = [useSignal(''), useSignal(''), useSignal('')];
	const differs = again.value !== '' && again.value !== fresh.value;
	return (
		<FormDialog
			title="Change your password" saving={saving} fields={['current', 'password']} disabled={differs} onClose={onClose}
			save={async () => {
				await changePassword(current.value, fresh.value);
				say('Password changed; your other sessions are over');
				onClose();
			}}
		>
			<Field label="Current password" wrong={saving.wrong('current')}>
				<input type="password" value={current.value} onInput={e => { current.value = e.currentTarget.value; }} autocomplete="current-password" required data-focus />
			</Field>
			<Field label="New password" wrong={saving.wrong('password')} hint="Ten characters or more">
				<input type="password" value={fresh.value} onInput={e => { fresh.value = e.currentTarget.value; }} autocomplete="new-password" minLength={10} required />
			</Field>
			<Field label="New password, again" wrong={differs ? 'The two are not the same.' : undefined}>
				<input type="password" value={again.value} onInput={e => { again.value = e.currentTarget.value; }} autocomplete="new-password" required />
			</Field>
		</FormDialog>
	);
}

interface Begun {
	secret: string;
	uri: string;
}

// Password, then the picture and a code of it, then the codes for when the phone is lost.
function SecondStep({ onClose }: { onClose: () => void }) {
	const saving = useSaving();
	const [password, code] = [useSignal(''), useSignal('')];
	const begun = useSignal<Begun | null>(null);
	const codes = useSignal<string[] | null>(null);
	if (codes.value)
		return (
			<SecretShown
				title="Recovery codes" label="Recovery codes" text={codes.value.join('\n')}
				about="The second step is on. Each of these codes works once in place of your authenticator: print them, or keep them where you keep passwords. They are not shown again."
				onClose={() => { onClose(); void restore(); }}
			/>
		);
	if (!begun.value)
		return (
			<FormDialog
				key="password" title="Set up a second step" action="Go on" saving={saving} fields={['password', 'current']} onClose={onClose}
				save={async () => { begun.value = await api.post<Begun>('/me/totp', { password: password.value }); }}
			>
				<p class="dim">At sign-in, a code of your phone is asked for besides the password. Any authenticator app does.</p>
				<Field label="Your password" wrong={saving.wrong('password') ?? saving.wrong('current')}>
					<input type="password" value={password.value} onInput={e => { password.value = e.currentTarget.value; }} autocomplete="current-password" required data-focus />
				</Field>
			</FormDialog>
		);
	return (
		<FormDialog
			key="code" title="Scan this" action="Switch on" saving={saving} fields={['code']} wide onClose={onClose}
			save={async () => { codes.value = (await api.post<{ recovery_codes: string[] }>('/me/totp/confirm', { code: code.value.trim() })).recovery_codes; }}
		>
			<div class="shown">
				<Picture text={begun.value.uri} label="QR code for your authenticator" />
				<div class="stack">
					<p>Scan it with your authenticator app, and type the six digits it shows.</p>
					<Field label="Code" wrong={saving.wrong('code')}>
						<input value={code.value} onInput={e => { code.value = e.currentTarget.value; }} inputMode="numeric" autocomplete="one-time-code" maxLength={8} required data-focus />
					</Field>
					<details class="more"><summary>No camera?</summary><CopyBox label="Secret to type in" text={begun.value.secret} /></details>
				</div>
			</div>
		</FormDialog>
	);
}

function SecondStepOff({ onClose }: { onClose: () => void }) {
	const saving = useSaving();
	const password = useSignal('');
	const code = useSignal('');
	return (
		<FormDialog
			title="Take the second step off?" action="Take it off" danger saving={saving} fields={['password', 'current', 'code']} onClose={onClose}
			save={async () => {
				await api.post('/me/totp/disable', { password: password.value, code: code.value.trim() });
				say('The second step is off');
				onClose();
				await restore();
			}}
		>
			<p class="dim">Your password alone will be enough to sign in.</p>
			<Field label="Your password" wrong={saving.wrong('password') ?? saving.wrong('current')}>
				<input type="password" value={password.value} onInput={e => { password.value = e.currentTarget.value; }} autocomplete="current-password" required data-focus />
			</Field>
			<Field label="Code" hint="Of your authenticator, or a recovery code." wrong={saving.wrong('code')}>
				<input value={code.value} onInput={e => { code.value = e.currentTarget.value; }} autocomplete="one-time-code" required />
			</Field>
		</FormDialog>
	);
}

// "Firefox on Linux" of what a browser calls itself.
function browser(agent: string | null): string {
	const text = agent ?? '';
	const name = [['Edg', 'Edge'], ['OPR', 'Opera'], ['Firefox', 'Firefox'], ['Chrom', 'Chrome'], ['Safari', 'Safari'], ['curl', 'curl']].find(([sign]) => text.includes(sign!))?.[1];
	const system = [['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Windows', 'Windows'], ['Mac OS', 'macOS'], ['Linux', 'Linux']].find(([sign]) => text.includes(sign!))?.[1];
	return name ? `${name}${system ? ` on ${system}` : ''}` : text || 'unknown';
}

function Sessions() {
	const list = useSignal<Session[]>([]);
	const load = () => api.get<{ items: Session[] }>('/me/sessions').then(found => { list.value = found.items; }, complain);
	useEffect(() => void load(), []);
	const end = async (path: string) => {
		try {
			await api.delete(path);
			await load();
		} catch (e) {
			complain(e);
		}
	};
	return (
		<section class="card stack tight" aria-label="Sessions">
			<div class="row">
				<h2 class="grow">Sessions</h2>
				{list.value.length > 1 && <button type="button" class="button" onClick={() => void ask('End all other sessions?', 'Other browsers have to sign in again.', 'End them').then(yes => { if (yes) void end('/me/sessions'); })}>End all others</button>}
			</div>
			<ul class="lines">
				{list.value.map(s => (
					<li key={s.id} class="row">
						<div class="grow">
							<div class="clip" title={s.agent ?? ''}>{browser(s.agent)} {s.current && <span class="tag accent">this one</span>}</div>
							<div class="clip small dim">{s.address}; used {ago(s.last_used)}; since {moment(s.created_at)}</div>
						</div>
						{!s.current && <button type="button" class="button" aria-label={`End the session from ${s.address}`} onClick={() => void end(`/me/sessions/${s.id}`)}>End</button>}
					</li>
				))}
			</ul>
		</section>
	);
}

export function Account() {
	const doing = useSignal<'password' | 'on' | 'off' | null>(null);
	const close = () => { doing.value = null; };
	const who = me.value!;
	return (
		<div class="stack narrow-page">
			<section class="card stack tight" aria-label="Signing in">
				<h2>{who.name}</h2>
				<p class="dim">Role {who.role}</p>
				<ul class="lines">
					<li class="row">
						<div class="grow"><div>Password</div><div class="small dim">Changing it ends your other sessions.</div></div>
						<button type="button" class="button" aria-label="Change the password" onClick={() => { doing.value = 'password'; }}><Icon name="key" />Change</button>
					</li>
					<li class="row">
						<div class="grow"><div>Second step {who.totp ? <span class="tag accent">on</span> : <span class="tag">off</span>}</div><div class="small dim">A code of your phone, besides the password.</div></div>
						{who.totp
							? <button type="button" class="button" aria-label="Take the second step off" onClick={() => { doing.value = 'off'; }}>Take off</button>
							: <button type="button" class="button primary" aria-label="Set up a second step" onClick={() => { doing.value = 'on'; }}>Set up</button>}
					</li>
				</ul>
			</section>
			<Sessions />
			{doing.value === 'password' && <PasswordForm onClose={close} />}
			{doing.value === 'on' && <SecondStep onClose={close} />}
			{doing.value === 'off' && <SecondStepOff onClose={close} />}
		</div>
	);
}
