// A button with a menu: arrows move, Enter chooses, Esc closes.
import { useId, useRef } from 'preact/hooks';
import { Icon } from './Icon';

export interface Item {
	text: string;
	icon: string;
	run: () => void;
	danger?: boolean;
}

export function Menu({ label, items }: { label: string; items: Item[] }) {
	const button = useRef<HTMLButtonElement>(null);
	const menu = useRef<HTMLDivElement>(null);
	const id = useId();
	const place = () => {
		const at = button.current!.getBoundingClientRect();
		const el = menu.current!;
		const up = at.bottom + el.offsetHeight + 8 > innerHeight;
		el.style.left = `${Math.max(8, at.right - el.offsetWidth)}px`;
		el.style.top = `${up ? at.top - el.offsetHeight - 4 : at.bottom + 4}px`;
		el.querySelector<HTMLElement>('button')?.focus();
	};
	const move = (event: KeyboardEvent) => {
		const all = [...menu.current!.querySelectorAll<HTMLElement>('button')];
		const at = all.indexOf(document.activeElement as HTMLElement);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
		if (event.key === 'Tab')
			menu.current!.hidePopover();
		if (to === undefined)
			return;
		event.preventDefault();
		all[(to + all.length) % all.length]?.focus();
	};
	if (items.length === 0)
		return null;
	return (
		<>
			<button
				type="button" class="button plain icon" aria-label={label} title="More" aria-haspopup="menu" ref={button}
				onClick={() => {
					menu.current!.togglePopover();
					if (menu.current!.matches(':popover-open'))
						place(); // now: its event comes after the next key may have
				}}
			>
				<Icon name="more" />
			</button>
			<div
				class="menu" role="menu" popover="auto" id={id} ref={menu} aria-label={label} onKeyDown={move}
				onToggle={event => {
					if ((event as ToggleEvent).newState !== 'open' && menu.current!.contains(document.activeElement))
						button.current!.focus();
				}}
			>
				{items.map(item => (
					<button
						type="button" role="menuitem" key={item.text} class={item.danger ? 'danger' : ''} tabIndex={-1}
						onClick={() => { menu.current!.hidePopover(); item.run(); }}
					>
						<Icon name={item.icon} />{item.text}
					</button>
				))}
			</div>
		</>
	);
}
