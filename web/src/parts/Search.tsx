// The search field of a list: asks when typing pauses; the key / leads to it.
import { useRef } from 'preact/hooks';
import { useShortcuts } from '../lib/shortcuts';
import { Icon } from './Icon';

interface Props {
	label: string;
	placeholder?: string;
	value: string;
	onChange: (text: string) => void; // each letter
	onAsk: () => void; // after a pause
}

export function Search({ label, placeholder = 'Search', value, onChange, onAsk }: Props) {
	const box = useRef<HTMLInputElement>(null);
	const typed = useRef<ReturnType<typeof setTimeout>>();
	useShortcuts([{ keys: '/', does: 'search', run: () => box.current?.focus() }]);
	return (
		<div class="search">
			<Icon name="search" />
			<input
				type="search" ref={box} placeholder={placeholder} aria-label={label} aria-keyshortcuts="/" value={value}
				onInput={e => {
					onChange(e.currentTarget.value);
					clearTimeout(typed.current);
					typed.current = setTimeout(onAsk, 150);
				}}
				onKeyDown={e => { if (e.key === 'Escape') e.currentTarget.blur(); }}
			/>
		</div>
	);
}
