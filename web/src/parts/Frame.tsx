// What stays: navigation, who is signed in, whether the page is live; and the page in the middle.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import icon from '../icon.svg';
import drawing from '../icon.svg?raw';
import { all, ended, project } from '../lib/api';
import { live } from '../lib/events';
import { troubled } from '../lib/fleet';
import { count } from '../lib/format';
import type { Project } from '../lib/model';
import { go, place } from '../lib/router';
import { can, choose, me, signOut } from '../lib/session';
import { shortcuts, useShortcuts, type Shortcut } from '../lib/shortcuts';
import { dark, theme } from '../lib/theme';
import { pages } from '../pages';
import { Dialog } from './Dialog';
import { Icon } from './Icon';
import { Mark } from './State';

function Help({ onClose }: { onClose: () => void }) {
	const [list] = useState<Shortcut[]>(shortcuts);
	return (
		<Dialog title="Keys" onClose={onClose}>
			<dl class="facts keys">
				{list.map(s => [
					<dt key={s.keys}>{s.keys.split(' ').map(k => <><kbd>{k}</kbd> </>)}</dt>,
					<dd key={`${s.keys}-does`}>{s.does}</dd>,
				])}
				<dt><kbd>Esc</kbd></dt><dd>close what is open</dd>
				<dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>move in a list; <kbd>Enter</kbd> opens, <kbd>Space</kbd> selects</dd>
			</dl>
		</Dialog>
	);
}

function Projects() {
	const [list, setList] = useState<Project[]>([]);
	useEffect(() => {
		if (!me.value?.project && can('GET /projects'))
			all<Project>('/projects').then(setList, () => {});
	}, []);
	if (list.length < 2)
		return null;
	return (
		<select aria-label="Project" value={project.value} onChange={e => choose(e.currentTarget.value)}>
			<option value="">All projects</option>
			{list.map(p => <option key={p.id} value={p.id}>{p.name}</option>)}
		</select>
	);
}

const PATIENCE = 5000; // ms without the stream before it is said

// Is the stream gone for longer than a hiccup? While the gate lies over the page there is none.
function useLost(): boolean {
	const [long, setLong] = useState(false);
	useEffect(() => {
		setLong(false);
		if (live.value || ended.value)
			return;
		const timer = setTimeout(() => setLong(true), PATIENCE);
		return () => clearTimeout(timer);
	}, [live.value, ended.value]);
	return long && !live.value && !ended.value;
}

// The tab says it too: a dot on the icon, a word before the title; at once, as the page does.
function useTab(title: string, lost: boolean) {
	const bad = troubled.value.length;
	useLayoutEffect(() => {
		document.title = `${lost ? 'No connection · ' : bad > 0 ? `${count(bad, 'node')} in trouble · ` : ''}${title} · Warren`;
		const dot = lost || bad > 0 ? `<circle cx="25" cy="7" r="7" fill="${lost ? '#d33a2f' : '#f0a51e'}" stroke="#fff" stroke-width="1.5"/></svg>` : '</svg>';
		document.querySelector<HTMLLinkElement>('link[rel=icon]')!.href = `data:image/svg+xml,${encodeURIComponent(drawing.replace('</svg>', dot))}`;
	}, [title, lost, bad]);
}

export function Frame() {
	const [open, setOpen] = useState(false);
	const [helping, setHelping] = useState(false);
	const main = useRef<HTMLElement>(null);
	const shown = pages.filter(p => !p.needs || can(p.needs));
	const at = shown.find(p => p.page === place.value.page) ?? shown[0]!;
	const lost = useLost();
	useTab(at.title, lost);
	useEffect(() => setOpen(false), [at.page]);
	useShortcuts([
		{ keys: '?', does: 'show this help', run: () => setHelping(true) },
		...shown.map(p => ({ keys: `g ${p.key}`, does: `go to ${p.title}`, run: () => { go(p.page); main.current?.focus(); } })),
	]);
	const Page = at.component;
	const who = me.value!;
	return (
		<div class="frame">
			<a class="skip" href="#main" onClick={e => { e.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
			<header class="top">
				<button type="button" class="button plain icon menu-button" aria-label="Menu" title="Menu" aria-expanded={open} onClick={() => setOpen(!open)}><Icon name="menu" /></button>
				<span class="brand"><img src={icon} alt="" />{at.title}</span>
			</header>
			{open && <button type="button" class="shade" aria-label="Close the menu" onClick={() => setOpen(false)} />}
			<div class={`side ${open ? 'open' : ''}`} onKeyDown={e => { if (e.key === 'Escape') setOpen(false); }}>
				<a class="brand" href="#/overview"><img src={icon} alt="" />Warren</a>
				<nav aria-label="Pages">
					{shown.map(p => (
						<a key={p.page} href={`#/${p.page}`} aria-current={p === at ? 'page' : undefined} onClick={() => setOpen(false)}>
							<Icon name={p.icon} />{p.title}
						</a>
					))}
				</nav>
				<footer>
					<Projects />
					<div class="liveness state" role="status">
						<Mark state={live.value ? 'online' : 'pending'} />{live.value ? 'Live' : 'Connecting…'}
					</div>
					<div class="whoami">
						<span class="avatar" aria-hidden="true">{[...who.name][0]?.toUpperCase()}</span>
						<span class="grow">
							<span class="clip" style={{ display: 'block' }} title={who.name} dir="auto">{who.name}</span>
							<span class="small dim">{who.role}</span>
						</span>
					</div>
					<div class="row">
						<button
							type="button" class="button plain icon" aria-label={dark.value ? 'Use light colours' : 'Use dark colours'} title="Colours"
							onClick={() => { theme.value = dark.value ? 'light' : 'dark'; }}
						>
							<Icon name={dark.value ? 'sun' : 'moon'} />
						</button>
						<button type="button" class="button plain icon" aria-label="Keys" title="Keys" onClick={() => setHelping(true)}><Icon name="help" /></button>
						<span class="grow" />
						<button type="button" class="button plain" onClick={() => void signOut()}><Icon name="exit" />Sign out</button>
					</div>
				</footer>
			</div>
			<main id="main" ref={main} tabIndex={-1}>
				<div role="status">
					{lost && <p class="notice bad lost"><Icon name="alert" /><span>The server does not answer. What is shown may be old; it goes on by itself once the server is back.</span></p>}
				</div>
				<Page key={`${at.page} ${project.value}`} />
			</main>
			{helping && <Help onClose={() => setHelping(false)} />}
		</div>
	);
}
