// Something that is shown once: a token, a password, codes. And copying it.
import type { ComponentChildren } from 'preact';
import { Dialog } from './Dialog';
import { Icon } from './Icon';
import { complain, say } from './Toasts';

export async function copy(text: string) {
	try {
		await navigator.clipboard.writeText(text);
		say('Copied');
	} catch {
		complain('The browser does not let this page copy: select the text and copy it yourself.');
	}
}

export function CopyBox({ label, text }: { label: string; text: string }) {
	return (
		<div class="copybox">
			<pre class="config wrap" tabIndex={0} aria-label={label}>{text}</pre>
			<button type="button" class="button icon" aria-label={`Copy: ${label}`} title="Copy" onClick={() => void copy(text)}><Icon name="copy" /></button>
		</div>
	);
}

interface Props {
	title: string;
	about: string;
	label: string;
	text: string;
	children?: ComponentChildren;
	onClose: () => void;
}

export function SecretShown({ title, about, label, text, children, onClose }: Props) {
	return (
		<Dialog title={title} keep onClose={onClose} footer={<button type="button" class="button primary" data-focus onClick={onClose}>Done</button>}>
			<p class="notice"><Icon name="key" /><span>{about}</span></p>
			<CopyBox label={label} text={text} />
			{children}
		</Dialog>
	);
}
