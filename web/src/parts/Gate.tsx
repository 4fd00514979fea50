// Signing in, and choosing a password of one's own the first time.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import icon from '../icon.svg';
import { ApiError, api, ended } from '../lib/api';
import { changePassword, me, restore, signIn, signOut } from '../lib/session';
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

interface Button {
	id: string;
	name: string;
}

// Other ways in: issuers that say who people are. In a tab of their own while work waits in this one.
function SignOn() {
	const [buttons, setButtons] = useState<Button[]>([]);
	useEffect(() => {
		api.get<{ items: Button[] }>('/login/issuers').then(list => setButtons(list.items), () => {});
	}, []);
	if (buttons.length === 0)
		return null;
	return (
		<div class="stack tight signon" role="group" aria-label="Other ways to sign in">
			{buttons.map(b => <a class="button" key={b.id} target={ended.value ? '_blank' : undefined} href={`/api/v1/login/issuers/${encodeURIComponent(b.id)}`}><span class="clip">Sign in with {b.name}</span></a>)}
		</div>
	);
}

function SignIn({ keep }: { keep: (password: string) => void }) {
	const [name, setName] = useState(me.value?.name ?? ''); // who comes back
	const [password, setPassword] = useState('');
	const [code, setCode] = useState('');
	const [second, setSecond] = useState(false);
	const box = useRef<HTMLInputElement>(null);
	useLayoutEffect(() => box.current?.focus(), [second]); // before the next key
	const { busy, error, submit } = useSubmit(async () => {
		keep(password);
		try {
			await signIn(name, password, second ? code.trim() : '');
		} catch (e) {
			if (!second && e instanceof ApiError && e.field === 'code') {
				setSecond(true);
				return;
			}
			setCode('');
			throw e;
		}
	});
	if (second)
		return (
			<form key="second" onSubmit={submit}>
				<div>
					<h1>One more step</h1>
					<p class="dim">The six digits your authenticator shows, or one of your recovery codes.</p>
				</div>
				<Field label="Code">
					<input ref={box} value={code} onInput={e => setCode(e.currentTarget.value)} autocomplete="one-time-code" autocapitalize="none" spellcheck={false} maxLength={64} required />
				</Field>
				{error && <p class="notice bad" role="alert">{error.message}</p>}
				<button class="button primary" disabled={busy}>{busy ? 'One moment…' : 'Sign in'}</button>
				<button type="button" class="button plain" onClick={() => { setSecond(false); setPassword(''); setCode(''); }}>Back</button>
			</form>
		);
	return (
		<form onSubmit={submit}>
			<div>
				<h1>Sign in</h1>
				<p class="dim">to look after this network</p>
			</div>
			{ended.value && <p class="notice" role="status">Your session is over. Sign in to go on where you were: nothing is lost.</p>}
			<Field label="Name">
				<input value={name} onInput={e => setName(e.currentTarget.value)} autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus={!ended.value} />
			</Field>
			<Field label="Password">
				<input type="password" value={password} onInput={e => setPassword(e.currentTarget.value)} autocomplete="current-password" required autofocus={ended.value} />
			</Field>
			{error && <p class="notice bad" role="alert">{error.message}</p>}
			<button class="button primary" disabled={busy}>{busy ? 'One moment…' : 'Sign in'}</button>
			<SignOn />
		</form>
	);
}

function NewPassword({ known }: { known: string }) {
	const [typed, setTyped] = useState('');
	const current = known || typed;
	const [fresh, setFresh] = useState('');
	const [again, setAgain] = useState('');
	const differs = again !== '' && fresh !== again;
	const first = useRef<HTMLInputElement>(null);
	useLayoutEffect(() => first.current?.focus(), []); // autofocus is for what a page begins with
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
					<input ref={first} type="password" value={typed} onInput={e => setTyped(e.currentTarget.value)} autocomplete="current-password" required />
				</Field>
			)}
			<Field label="New password" wrong={error?.field === 'password' ? error.message : undefined}>
				<input ref={known ? first : undefined} type="password" value={fresh} onInput={e => setFresh(e.currentTarget.value)} autocomplete="new-password" minLength={10} required />
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

function Inner() {
	const [given, keep] = useState('');
	useLayoutEffect(() => {
		const before = document.title;
		document.title = 'Sign in · Warren';
		return () => { document.title = before; };
	}, []);
	return (
		<main class="card">
			<div class="brand"><img src={icon} alt="" />Warren</div>
			{me.value?.must_change_password ? <NewPassword known={given} /> : <SignIn keep={keep} />}
		</main>
	);
}

export function Gate() {
	return <div class="gate"><Inner /></div>;
}

// The gate over a panel whose session is over: nothing of it can be seen or used, all of it stays.
export function GateOver() {
	const box = useRef<HTMLDialogElement>(null);
	useLayoutEffect(() => {
		const el = box.current!;
		el.showModal();
		// Signed in again in another tab: then here, too.
		const look = () => { if (!document.hidden) void restore(); };
		addEventListener('focus', look);
		document.addEventListener('visibilitychange', look);
		return () => {
			removeEventListener('focus', look);
			document.removeEventListener('visibilitychange', look);
			el.close(); // and the focus goes back to where it was
		};
	}, []);
	const shut = (event: Event) => event.preventDefault();
	return (
		<dialog
			class="gate over" aria-label="Sign in again" ref={box} onCancel={shut}
			onKeyDown={event => { if (event.key === 'Escape') shut(event); }}
			onClose={() => box.current?.showModal()}
		>
			<Inner />
		</dialog>
	);
}
