// A labelled field with its hint and what the server said is wrong with it.
import { cloneElement, type VNode } from 'preact';
import { useId } from 'preact/hooks';

interface Props {
	label: string;
	hint?: string;
	wrong?: string;
	wide?: boolean;
	children: VNode<any>; // one input, select or textarea
}

export function Field({ label, hint, wrong, wide, children }: Props) {
	const id = useId();
	const about = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ');
	return (
		<div class={`field ${wide ? 'wide' : ''}`}>
			<label for={id}>{label}</label>
			{cloneElement(children, { id, 'aria-describedby': about || undefined, 'aria-invalid': wrong ? 'true' : undefined })}
			{hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
			{wrong && <span class="wrong" id={`${id}-wrong`} role="alert">{wrong}</span>}
		</div>
	);
}
