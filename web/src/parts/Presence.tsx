// How the link to a client or node was of late, as a strip: how high it is says the state, for those
// who do not see colours; a mark above it is a handshake (a node's: a heartbeat). Below it the same
// in words, and all of it as a table.
import { ago, count, now } from '../lib/format';
import { noted, pastOf, type Past } from '../lib/past';
import { stateWord } from './State';

const LEAST = 3 * 60000; // ms shown
const MOST = 60 * 60000;
const ROWS = 40;

interface Bar {
	from: number;
	to: number;
	state: string;
}

function bars(p: Past, from: number, to: number): Bar[] {
	return p.spells
		.map((s, i) => ({ from: Math.max(from, s.at), to: p.spells[i + 1]?.at ?? to, state: s.state }))
		.filter(b => b.state && b.to >= b.from); // what began just now, too
}

function clock(at: number, seconds = false): string {
	return new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', ...(seconds && { second: '2-digit' }) });
}

const minutes = (ms: number) => Math.round(ms / 60000);
const heights: Record<string, number> = { online: 20, idle: 11, unreachable: 11 };

interface Props {
	id: string;
	sign: [one: string, many: string];
}

export function Presence({ id, sign }: Props) {
	noted.value; // looked at again when something was noted, and as time goes by
	const to = Math.max(now.value, Date.now());
	const p = pastOf(id);
	if (!p)
		return null;
	const from = to - Math.min(MOST, Math.max(LEAST, 1.05 * (to - Math.min(p.since, p.signs[0] ?? to))));
	const shown = bars(p, from, to);
	const signs = p.signs.filter(at => at >= from);
	const x = (at: number) => `${(100 * Math.min(1, Math.max(0, (at - from) / (to - from)))).toFixed(2)}%`;
	const wide = (b: Bar) => `${Math.max(0.3, (100 * (b.to - b.from)) / (to - from)).toFixed(2)}%`;
	const online = shown.filter(b => b.state === 'online').reduce((t, b) => t + b.to - b.from, 0);
	const known = shown.reduce((t, b) => t + b.to - b.from, 0);
	const last = p.signs.at(-1);
	const rows = [
		...signs.map(at => ({ at, what: sign[0][0]!.toUpperCase() + sign[0].slice(1) })),
		...p.spells.filter(s => s.at >= from).map(s => ({ at: s.at, what: s.state ? stateWord(s.state) : 'Not known' })),
	].sort((a, b) => b.at - a.at).slice(0, ROWS);
	return (
		<section class="stack tight" aria-label="Of late">
			<h3>Of late</h3>
			<div class="strip">
				<svg width="100%" height="36" aria-hidden="true" focusable="false">
					<line class="base" x1="0" x2="100%" y1="35" y2="35" />
					{shown.map(b => <rect key={b.from} class={b.state} x={x(b.from)} width={wide(b)} y={35 - (heights[b.state] ?? 3)} height={heights[b.state] ?? 3} />)}
					{signs.map(at => <line key={at} class="sign" x1={x(at)} x2={x(at)} y1="2" y2="11" />)}
				</svg>
				<p class="small dim row" aria-hidden="true"><span>{clock(from)}</span><span class="grow" /><span>now</span></p>
			</div>
			<p class="small">
				{last ? `Newest ${sign[0]} ${ago(new Date(last).toISOString())}` : `No ${sign[0]} in the last hour`}
				{signs.length > 1 && `, ${count(signs.length, sign[0], sign[1])} seen in ${minutes(to - from)} minutes`}.{' '}
				{known >= 60000 && `Online ${online >= known ? 'all the time' : `${minutes(online)} of the ${count(minutes(known), 'minute')}`} one looked.`}
			</p>
			<details class="more small">
				<summary>As a table</summary>
				<table class="plain">
					<thead><tr><th scope="col">When</th><th scope="col">What</th></tr></thead>
					<tbody>{rows.map(r => <tr key={`${r.at}${r.what}`}><td class="num"><time dateTime={new Date(r.at).toISOString()}>{clock(r.at, true)}</time></td><td>{r.what}</td></tr>)}</tbody>
				</table>
			</details>
		</section>
	);
}
