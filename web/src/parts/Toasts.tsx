// What was done or went wrong, said once, with at most one way back. It lies in the dialog that is
// open, for what is beside one cannot be pressed; so it is drawn on its own, beside the app.
import { signal } from '@preact/signals';
import { render } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

interface Toast {
	id: number;
	text: string;
	bad: boolean;
	action?: { text: string; run: () => void };
}

const toasts = signal<Toast[]>([]);
let last = 0;

function drop(id: number) {
	toasts.value = toasts.value.filter(t => t.id !== id);
}

function add(text: string, bad: boolean, action?: Toast['action']) {
	const id = ++last;
	toasts.value = [...toasts.value.slice(-3), { id, text, bad, action }];
	// Not under the pointer, nor while the focus is on one: somebody reads, or is about to press.
	const end = () => {
		if (box.matches(':hover, :focus-within'))
			setTimeout(end, 1000);
		else
			drop(id);
	};
	setTimeout(end, bad || action ? 10000 : 4500);
}

export function say(text: string, action?: Toast['action']): void {
	add(text, false, action);
}

export function complain(error: unknown): void {
	add(error instanceof Error ? error.message : String(error), true);
}

const box = document.createElement('div');
box.className = 'toasts';
box.popover = 'manual';
box.role = 'status';
box.ariaLive = 'polite';

// In the top layer, last of what is there.
function raise() {
	if (!box.showPopover || !box.isConnected)
		return;
	if (box.matches(':popover-open'))
		box.hidePopover();
	if (toasts.value.length > 0)
		box.showPopover();
}

// What is open, the topmost last.
const hosts: HTMLElement[] = [document.body];

// A dialog opens; returns what is to be called before it goes.
export function hostToasts(dialog: HTMLElement): () => void {
	const settle = () => {
		hosts.at(-1)!.append(box);
		raise();
	};
	hosts.push(dialog);
	settle();
	return () => {
		hosts.splice(hosts.indexOf(dialog), 1);
		settle();
	};
}

function List() {
	const list = toasts.value;
	useLayoutEffect(raise, [list.length]);
	return (
		<>
			{list.map(t => (
				<div class={`toast ${t.bad ? 'bad' : ''}`} key={t.id}>
					<span class="grow">{t.text}</span>
					{t.action && <button type="button" onClick={() => { drop(t.id); t.action!.run(); }}>{t.action.text}</button>}
					<button type="button" aria-label="Close this message" onClick={() => drop(t.id)}>✕</button>
				</div>
			))}
		</>
	);
}

export function startToasts(): void {
	document.body.append(box);
	render(<List />, box);
}
