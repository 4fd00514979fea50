// A table of a list of the API: the server pages, filters and sorts; only the rows in sight are in
// the document, so ten thousand cost what forty do. Arrows move between rows, Enter opens one.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { List } from '../lib/list';
import { Icon } from './Icon';

export interface Column<T> {
	id: string;
	title: string;
	sort?: string; // the field the server sorts by
	width?: string;
	className?: string; // s, m, l: hidden on small screens; right
	cell: (row: T) => ComponentChildren;
}

interface Props<T extends { id: string }> {
	label: string;
	list: List<T>;
	columns: Column<T>[];
	open?: (row: T) => void;
	selected?: Set<string>; // with it, rows can be chosen
	onSelect?: (selected: Set<string>) => void;
	name: (row: T) => string;
	empty: ComponentChildren;
}

const ROW = 58; // px, as .table td in main.css
const SPARE = 8; // rows above and below those in sight

export function Table<T extends { id: string }>(props: Props<T>) {
	const { list, columns, selected, onSelect, open } = props;
	const box = useRef<HTMLDivElement>(null);
	const [top, setTop] = useState(0);
	const [height, setHeight] = useState(600);
	const [focused, setFocused] = useState(0);
	const wanted = useRef(-1); // the row that gets the focus once it is drawn
	const rows = list.rows.value;
	const total = list.total.value;
	const none = rows.length === 0 && list.answered.value !== null; // also while it is asked again
	const sort = list.query.value.sort as string | undefined;

	useLayoutEffect(() => {
		const watch = new ResizeObserver(() => setHeight(box.current!.clientHeight));
		watch.observe(box.current!);
		return () => watch.disconnect();
	}, []);
	const from = Math.max(0, Math.floor(top / ROW) - SPARE);
	const to = Math.min(rows.length, Math.ceil((top + height) / ROW) + SPARE);
	useEffect(() => {
		if (to + 20 > rows.length)
			list.more();
	}, [to, rows.length, list.loading.value]);

	const reach = (i: number) => {
		const row = box.current!.querySelector<HTMLElement>(`tr[aria-rowindex="${i + 2}"]`);
		row?.focus();
		return row !== null;
	};
	const focusRow = (i: number) => {
		if (i < 0 || i >= rows.length)
			return;
		setFocused(i);
		const el = box.current!;
		if (i * ROW < el.scrollTop)
			el.scrollTop = i * ROW;
		else if ((i + 2) * ROW > el.scrollTop + el.clientHeight)
			el.scrollTop = (i + 2) * ROW - el.clientHeight;
		setTop(el.scrollTop);
		// At once, or with the drawing itself: a key that is held down comes more often than frames do.
		if (!reach(i))
			wanted.current = i;
	};
	useLayoutEffect(() => {
		if (wanted.current >= 0)
			reach(wanted.current);
		wanted.current = -1;
	});
	const choose = (id: string, on: boolean) => {
		const next = new Set(selected);
		if (on)
			next.add(id);
		else
			next.delete(id);
		onSelect!(next);
	};
	const keys = (event: KeyboardEvent, i: number) => {
		if (event.target !== event.currentTarget)
			return;
		const row = rows[i]!;
		const moves: Record<string, number> = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: rows.length - 1, PageDown: Math.min(rows.length - 1, i + 10), PageUp: Math.max(0, i - 10) };
		if (event.key in moves)
			focusRow(moves[event.key]!);
		else if (event.key === 'Enter')
			open?.(row);
		else if (event.key === ' ' && selected)
			choose(row.id, !selected.has(row.id));
		else
			return;
		event.preventDefault();
	};
	// All of a row opens it, except where something else is under the pointer.
	const pointed = (event: MouseEvent, row: T) => {
		if (!(event.target as Element).closest('button, a, input, label, .menu') && !getSelection()?.toString())
			open?.(row);
	};
	const sortBy = (field: string) => {
		const now = sort === field ? `-${field}` : field;
		list.ask({ ...list.query.value, sort: now });
		box.current!.scrollTop = 0;
	};

	const wrong = list.error.value && (
		<>
			<h2>That did not work</h2>
			<p>{list.error.value}</p>
			<button type="button" class="button" onClick={() => list.ask({ ...list.query.value })}>Try again</button>
		</>
	);

	return (
		<>
			{wrong && rows.length > 0 && <div class="notice bad stale" role="alert">{wrong}</div>}
			<div class="table" ref={box} onScroll={event => setTop(event.currentTarget.scrollTop)} aria-busy={list.loading.value} tabIndex={-1}>
				<table role="grid" aria-label={props.label} aria-rowcount={total + 1}>
					<thead class={none ? 'sr' : ''}>
						<tr aria-rowindex={1}>
							{selected && (
								<th class="s" style={{ width: '44px' }}>
									<input
										type="checkbox" aria-label="Select all that are loaded"
										checked={rows.length > 0 && selected.size >= rows.length}
										onChange={event => onSelect!(event.currentTarget.checked ? new Set(rows.map(r => r.id)) : new Set())}
									/>
								</th>
							)}
							{columns.map(c => (
								<th
									key={c.id} scope="col" class={c.className ?? ''} style={c.width ? { width: c.width } : undefined}
									aria-sort={c.sort && sort === c.sort ? 'ascending' : c.sort && sort === `-${c.sort}` ? 'descending' : undefined}
								>
									{c.sort
										? (
											<button type="button" onClick={() => sortBy(c.sort!)}>
												{c.title}
												{sort === c.sort && <Icon name="up" />}
												{sort === `-${c.sort}` && <Icon name="down" />}
											</button>
										)
										: <span class={c.title.startsWith('(') ? 'sr' : ''}>{c.title.replace(/[()]/g, '')}</span>}
								</th>
							))}
						</tr>
					</thead>
					<tbody>
						{from > 0 && <tr aria-hidden="true"><td class="pad" style={{ height: `${from * ROW}px` }} /></tr>}
						{rows.slice(from, to).map((row, k) => {
							const i = from + k;
							return (
								<tr
									key={row.id} aria-rowindex={i + 2} tabIndex={i === Math.min(focused, rows.length - 1) ? 0 : -1}
									aria-selected={selected ? selected.has(row.id) : undefined}
									class={open ? 'opens' : ''} onKeyDown={event => keys(event, i)} onFocus={() => setFocused(i)} onClick={event => pointed(event, row)}
								>
									{selected && (
										<td class="s">
											<input
												type="checkbox" aria-label={`Select ${props.name(row)}`} checked={selected.has(row.id)}
												onChange={event => choose(row.id, event.currentTarget.checked)}
											/>
										</td>
									)}
									{columns.map(c => <td key={c.id} class={c.className ?? ''}>{c.cell(row)}</td>)}
								</tr>
							);
						})}
						{to < rows.length && <tr aria-hidden="true"><td class="pad" style={{ height: `${(rows.length - to) * ROW}px` }} /></tr>}
					</tbody>
				</table>
				{rows.length === 0 && !none && !list.error.value && [0, 1, 2, 3].map(i => <div class="waiting" key={i} aria-hidden="true"><i /></div>)}
				{wrong
					? rows.length === 0 && <div class="empty" role="alert">{wrong}</div>
					: none && <div class="empty">{props.empty}</div>}
			</div>
		</>
	);
}
