// Several words of a known kind: chosen ones as chips, a field that completes the next. Enter or a
// comma adds what is typed, Backspace in the empty field takes the last one away.
import { useId, useRef, useState } from 'preact/hooks';

export interface Option {
	value: string; // what is stored
	label: string; // what people read and type
}

interface Props {
	label: string;
	values: string[];
	onChange: (values: string[]) => void;
	options: Option[];
	show?: (value: string) => string; // what a stored value is called
	onType?: (text: string) => void; // to look for more options
	wrong?: string;
	hint?: string;
	placeholder?: string;
	focus?: boolean;
}

export function Picker({ label, values, onChange, options, show, onType, wrong, hint, placeholder, focus }: Props) {
	const [text, setText] = useState('');
	const input = useRef<HTMLInputElement>(null);
	const id = useId();
	const name = (value: string) => options.find(o => o.value === value)?.label ?? show?.(value) ?? value;
	const add = (typed: string) => {
		const word = typed.trim();
		setText('');
		if (!word)
			return;
		const value = options.find(o => o.label === word || o.value === word)?.value ?? word;
		if (!values.includes(value))
			onChange([...values, value]);
	};
	const remove = (value: string) => {
		onChange(values.filter(v => v !== value));
		input.current!.focus();
	};
	return (
		<div class="field">
			<label for={id}>{label}</label>
			<div class="picker" onMouseDown={e => { if (e.target === e.currentTarget) { e.preventDefault(); input.current!.focus(); } }}>
				{values.map(v => (
					<span class="tag picked" key={v}>
						<span class="clip">{name(v)}</span>
						<button type="button" aria-label={`Take ${name(v)} from ${label}`} onClick={() => remove(v)}>✕</button>
					</span>
				))}
				<input
					id={id} ref={input} value={text} list={`${id}-list`} spellcheck={false} autocapitalize="none" autocomplete="off"
					placeholder={values.length === 0 ? placeholder : undefined} data-focus={focus || undefined}
					aria-describedby={[hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ') || undefined} aria-invalid={wrong ? 'true' : undefined}
					onInput={e => {
						const now = e.currentTarget.value;
						// A whole label at once is one that was picked from the list.
						if (now.endsWith(',') || ((e as InputEvent).inputType === 'insertReplacementText' && options.some(o => o.label === now))) {
							add(now.replace(/,$/, ''));
						} else {
							setText(now);
							onType?.(now);
						}
					}}
					onKeyDown={e => {
						if (e.key === 'Enter' && text.trim()) {
							e.preventDefault();
							add(text);
						} else if (e.key === 'Backspace' && !text && values.length > 0) {
							onChange(values.slice(0, -1));
						}
					}}
					onBlur={() => add(text)}
				/>
				<datalist id={`${id}-list`}>{options.filter(o => !values.includes(o.value)).slice(0, 200).map(o => <option key={o.value} value={o.label} />)}</datalist>
			</div>
			{hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
			{wrong && <span class="wrong" id={`${id}-wrong`} role="alert">{wrong}</span>}
		</div>
	);
}
