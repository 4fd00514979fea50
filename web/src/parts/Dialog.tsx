// A modal dialog or a sheet at the side. The element itself keeps the focus inside, closes on Esc
// and gives the focus back.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { Icon } from './Icon';
import { hostToasts } from './Toasts';

interface Props {
	title: ComponentChildren;
	onClose: () => void;
	children: ComponentChildren;
	footer?: ComponentChildren;
	kind?: 'wide' | 'sheet';
	keep?: boolean; // a click beside it does not close it
	onSubmit?: () => void; // makes it a form
}

export function Dialog({ title, onClose, children, footer, kind, keep, onSubmit }: Props) {
	const ref = useRef<HTMLDialogElement>(null);
	const id = useId();
	// Before the next key: who types on must not lose a letter.
	useLayoutEffect(() => {
		const el = ref.current!;
		const back = document.activeElement;
		el.showModal();
		const leave = hostToasts(el);
		(el.querySelector<HTMLElement>('[data-focus]') ?? el.querySelector<HTMLElement>('input, .primary'))?.focus();
		return () => {
			leave();
			el.close();
			// What it was opened from may be gone: then to the page, not to nowhere.
			(back instanceof HTMLElement && back.isConnected ? back : document.getElementById('main'))?.focus();
		};
	}, []);
	// The second click of a double one was meant for what opened it.
	const beside = (event: MouseEvent) => {
		if (event.target === ref.current && !keep && event.detail < 2)
			onClose();
	};
	const inside = (
		<>
			<header>
				<h2 id={id} dir="auto">{title}</h2>
				<button type="button" class="button plain icon" aria-label="Close" title="Close (Esc)" onClick={onClose}><Icon name="close" /></button>
			</header>
			<div class="body" tabIndex={-1}>{children}</div>
			{footer && <footer>{footer}</footer>}
		</>
	);
	return (
		<dialog
			ref={ref}
			class={kind ?? ''}
			aria-labelledby={id}
			onCancel={event => { event.preventDefault(); onClose(); }}
			onMouseDown={beside}
		>
			{onSubmit
				? <form class="dialog" onSubmit={event => { event.preventDefault(); onSubmit(); }}>{inside}</form>
				: <div class="dialog">{inside}</div>}
		</dialog>
	);
}

interface Question {
	title: string;
	text: string;
	yes: string;
	danger: boolean;
	answer: (yes: boolean) => void;
}
const question = signal<Question | null>(null);

// Ask before what cannot be undone.
export function ask(title: string, text: string, yes: string, danger = true): Promise<boolean> {
	return new Promise(answer => {
		question.value = { title, text, yes, danger, answer };
	});
}

export function Questions() {
	const q = question.value;
	if (!q)
		return null;
	const answer = (yes: boolean) => {
		question.value = null;
		q.answer(yes);
	};
	return (
		<Dialog
			title={q.title}
			onClose={() => answer(false)}
			footer={
				<>
					<button type="button" class="button" data-focus onClick={() => answer(false)}>Cancel</button>
					<button type="button" class={`button primary ${q.danger ? 'danger' : ''}`} onClick={() => answer(true)}>{q.yes}</button>
				</>
			}
		>
			<p>{q.text}</p>
		</Dialog>
	);
}
