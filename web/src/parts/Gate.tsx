// Signing in, and choosing a password of one's own the first time.
import { useEffect, useState } from 'preact/hooks';
import icon from '../icon.svg';
import { ApiError } from '../lib/api';
import { changePassword, me, signIn, signOut } from '../lib/session';
import { Field } from './Field';

function useSubmit(run: () => Promise<void>) {
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState<ApiError | null>(null);
	return {
		busy,
		error,
		submit: async (event: Event) => {
			event.preventDefault();
			setBusy(true);
			setError(null);
			try {
				await run();
			} catch (e) {
				setError(e as ApiError);
			} finally {
				setBusy(false);
			}
		},
	};
}

function SignIn({ keep }: { keep: (password: string) => void }) {
	const [name, setName] = useState('');
	const [password, setPassword] = useState('');
	const [code, setCode] = useState('');
	const [second, setSecond] = useState(false);
	const { busy, error, submit } = useSubmit(async () => {
		keep(password);
		try {
			await signIn(name, password, code);
		} catch (e) {
			setSecond(second || (e as ApiError).field === 'code');
			throw e;
		}
	});
	return (
		<form onSubmit={submit}>
			<div>
				<h1>Sign in</h1>
				<p class="dim">to look after this network</p>
			</div>
			<Field label="Name">
				<input value={name} onInput={e => setName(e.currentTarget.value)} autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
			</Field>
			<Field label="Password">
				<input type="password" value={password} onInput={e => setPassword(e.currentTarget.value)} autocomplete="current-password" required />
			</Field>
			{second && (
				<Field label="Code" hint="Of your authenticator, or a recovery code">
					<input value={code} onInput={e => setCode(e.currentTarget.value)} inputMode="numeric" autocomplete="one-time-code" required autofocus />
				</Field>
			)}
			{error && <p class={`notice ${error.field === 'code' && !code ? '' : 'bad'}`} role="alert">{error.message}</p>}
			<button class="button primary" disabled={busy}>{busy ? 'One moment…' : 'Sign in'}</button>
		</form>
	);
}

function NewPassword({ known }: { known: string }) {
	const [typed, setTyped] = useState('');
	const current = known || typed;
	const [fresh, setFresh] = useState('');
	const [again, setAgain] = useState('');
	const differs = again !== '' && fresh !== again;
	const { busy, error, submit } = useSubmit(async () => {
		if (!differs)
			await changePassword(current, fresh);
	});
	return (
		<form onSubmit={submit}>
			<div>
				<h1>Choose your password</h1>
				<p class="dim">The one you were given works once. Yours has ten characters or more.</p>
			</div>
			<input class="sr" tabIndex={-1} aria-hidden="true" readOnly autocomplete="username" value={me.value?.name ?? ''} />
			{!known && (
				<Field label="The password you were given" wrong={error?.field === 'current' ? error.message : undefined}>
					<input type="password" value={typed} onInput={e => setTyped(e.currentTarget.value)} autocomplete="current-password" required />
				</Field>
			)}
			<Field label="New password" wrong={error?.field === 'password' ? error.message : undefined}>
				<input type="password" value={fresh} onInput={e => setFresh(e.currentTarget.value)} autocomplete="new-password" minLength={10} required autofocus />
			</Field>
			<Field label="New password, again" wrong={differs ? 'The two are not the same.' : undefined}>
				<input type="password" value={again} onInput={e => setAgain(e.currentTarget.value)} autocomplete="new-password" required />
			</Field>
			{error && error.field !== 'password' && (known || error.field !== 'current') && <p class="notice bad" role="alert">{error.message}</p>}
			<button class="button primary" disabled={busy || differs}>{busy ? 'One moment…' : 'Save and go on'}</button>
			<button type="button" class="button plain" onClick={() => void signOut()}>Sign out</button>
		</form>
	);
}

export function Gate() {
	const [given, keep] = useState('');
	useEffect(() => {
		document.title = 'Sign in · Warren';
	}, []);
	return (
		<div class="gate">
			<main class="card">
				<div class="brand"><img src={icon} alt="" />Warren</div>
				{me.value ? <NewPassword known={given} /> : <SignIn keep={keep} />}
			</main>
		</div>
	);
}
