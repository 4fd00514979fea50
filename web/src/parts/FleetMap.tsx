// The fleet as a graph: gateways and controllers in the middle, the other nodes around them, clients
// as a number at their gateway. With few nodes every link is drawn and every name written; with many
// each node has one line, to the nearest in the middle, and its name shows when pointed at.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { sums } from '../lib/events';
import { count } from '../lib/format';
import type { FleetNode } from '../lib/model';
import { stateWord } from './State';

let W = 720; // as wide as its place, so that a name is as large on a phone
let H = 420;
const NAMED = 36; // up to so many, names are written
const MESHED = 12; // up to so many, every link is drawn
const RING = 64; // nodes on the innermost ring

interface Spot {
	node: FleetNode;
	x: number;
	y: number;
	middle: boolean;
	angle: number;
}

function around(list: FleetNode[], rx: number, ry: number, middle: boolean): Spot[] {
	return list.map((node, i) => {
		const angle = (i / list.length) * 2 * Math.PI - Math.PI / 2;
		return { node, x: W / 2 + rx * Math.cos(angle), y: H / 2 + ry * Math.sin(angle), middle, angle };
	});
}

// Deterministic: the same fleet is the same picture.
function lay(nodes: FleetNode[]): Spot[] {
	const sorted = [...nodes].sort((a, b) => a.name.localeCompare(b.name));
	const hubs = sorted.filter(n => n.roles.some(r => r === 'gateway' || r === 'controller'));
	const rest = sorted.filter(n => !hubs.includes(n));
	const few = hubs.length <= 12;
	const inner = hubs.length === 1 ? 0 : rest.length === 0 ? 150 : few ? 84 : 120;
	const wide = Math.min(1, W / 720);
	const spots = around(hubs, inner * 1.5 * wide, inner, true);
	const rings = Math.max(1, Math.ceil(rest.length / RING / 1.6));
	for (let r = 0; r < rings; r++) {
		const part = rest.filter((_, i) => i % rings === r);
		const ry = rings === 1 ? (rest.length > MESHED ? 176 : 168) : 140 + (50 * r) / (rings - 1);
		spots.push(...around(part, ry * (rings === 1 ? 1.45 : 1.72) * wide, ry, false));
	}
	return spots;
}

function shares(a: FleetNode, b: FleetNode): boolean {
	return a.members.some(m => b.members.some(o => o.network === m.network));
}

function edges(spots: Spot[]): [Spot, Spot][] {
	const list: [Spot, Spot][] = [];
	const middle = spots.filter(s => s.middle);
	const pairs = (some: Spot[]) => some.forEach((a, i) => some.slice(i + 1).forEach(b => {
		if (shares(a.node, b.node))
			list.push([a, b]);
	}));
	if (spots.length <= MESHED) {
		pairs(spots);
		return list;
	}
	pairs(middle.slice(0, MESHED));
	for (const s of spots) {
		const near = middle.filter(m => shares(m.node, s.node)).sort((a, b) => (a.x - s.x) ** 2 + (a.y - s.y) ** 2 - (b.x - s.x) ** 2 - (b.y - s.y) ** 2)[0];
		if (!s.middle && near)
			list.push([near, s]);
	}
	return list;
}

function alive(s: Spot): boolean {
	return nodeState(s.node) === 'online';
}

export function nodeState(n: FleetNode): string {
	if (!n.enabled)
		return 'disabled';
	return n.connected ? 'online' : n.liveness;
}

export function FleetMap({ nodes }: { nodes: FleetNode[] }) {
	const box = useRef<SVGSVGElement>(null);
	const [width, setWidth] = useState(720);
	useLayoutEffect(() => {
		const watch = new ResizeObserver(() => setWidth(Math.min(720, Math.max(300, box.current!.clientWidth))));
		watch.observe(box.current!);
		return () => watch.disconnect();
	}, []);
	W = width;
	H = nodes.length > 1 ? 420 : 180;
	const spots = lay(nodes);
	const named = spots.length <= NAMED;
	const at = Object.assign({}, ...Object.values(sums.value).map(s => s.gateways)) as Record<string, number>;
	const up = spots.filter(alive).length;
	return (
		<svg ref={box} class="map" viewBox={`0 0 ${W} ${H}`} role="group" aria-label={`Map of the fleet: ${count(spots.length, 'node')}, ${up} online`}>
			{edges(spots).map(([a, b]) => (
				<line
					key={`${a.node.id}${b.node.id}`} class={`edge ${alive(a) && alive(b) ? 'live' : 'dead'}`}
					x1={a.x} y1={a.y} x2={b.x} y2={b.y}
				/>
			))}
			{spots.map(s => {
				const state = nodeState(s.node);
				const clients = at[s.node.id] ?? 0;
				const r = s.middle ? 11 : named ? 7 : 4;
				const below = s.y >= H / 2 ? 1 : -1;
				const side = !s.middle && spots.length > MESHED ? Math.sign(Math.round(Math.cos(s.angle) * 3)) : 0;
				const label = `${s.node.name}: ${stateWord(state)}${s.node.roles.includes('gateway') ? `, ${count(clients, 'client')} online` : ''}`;
				return (
					<g key={s.node.id}>
						<title>{label}</title>
						{clients > 0 && <circle class="halo" cx={s.x} cy={s.y} r={r + 8 + Math.min(22, 5 * Math.log10(clients + 1))} />}
						<circle class={`dot ${state}`} cx={s.x} cy={s.y} r={r} />
						{(named || (s.middle && spots.filter(o => o.middle).length <= 12)) && (
							<text
								x={s.x + side * (r + 7)} y={side ? s.y + 4 : s.y + below * (r + 24) + (below > 0 ? 0 : 4)}
								class={side > 0 ? 'right' : side < 0 ? 'left' : ''}
							>
								{s.node.name.length > 22 ? `${s.node.name.slice(0, 21)}…` : s.node.name}
							</text>
						)}
						{named && s.middle && <text class="less" x={s.x} y={s.y + below * (r + 24) + (below > 0 ? 15 : -11)}>{count(clients, 'client')} online</text>}
					</g>
				);
			})}
		</svg>
	);
}
