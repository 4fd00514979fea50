// Lines over time. The picture is for eyes; the words each caller writes beneath say the same.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { samples } from '../lib/events';
import { bits, count } from '../lib/format';
import { dark } from '../lib/theme';

const WINDOW = 10 * 60; // seconds shown at most
const LEAST = 60; // and at least, so that the first figures are a line
const SMOOTH = 12; // seconds a rate is taken over: gateways report every few

export interface Counted {
	at: number; // seconds
	rx: number;
	tx: number;
}

type Column = (number | null)[];

// Sums only grow, except when a client is deleted; then the rate is not known for a moment.
export function rates(list: Counted[]): [number[], Column, Column] {
	const at: number[] = [], rx: Column = [], tx: Column = [];
	let from = 0;
	for (let i = 1; i < list.length; i++) {
		while (from < i - 1 && list[i]!.at - list[from + 1]!.at >= SMOOTH)
			from++;
		const [a, b] = [list[from]!, list[i]!];
		const t = b.at - a.at;
		at.push(b.at);
		rx.push(t > 0 && b.rx >= a.rx ? ((b.rx - a.rx) * 8) / t : null);
		tx.push(t > 0 && b.tx >= a.tx ? ((b.tx - a.tx) * 8) / t : null);
	}
	return [at, rx, tx];
}

function clock(at: number): string {
	return new Date(at * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}

interface Props {
	data: [number[], ...Column[]];
	colours: string[]; // of :root, for each line; the first is filled, the second dashed
	format: (value: number) => string;
	floor: number; // the scale goes up to this at least
	low?: boolean;
}

function make(box: HTMLElement, { colours, format, floor }: Props, start: () => number): uPlot {
	const style = getComputedStyle(document.documentElement);
	const of = (name: string) => style.getPropertyValue(name).trim();
	const axis = { stroke: of('--dim'), font: `12px ${of('--font')}`, grid: { stroke: of('--line'), width: 1 }, ticks: { show: false } };
	return new uPlot({
		width: box.clientWidth,
		height: box.clientHeight,
		cursor: { show: false },
		legend: { show: false },
		scales: {
			x: { range: () => [start(), Date.now() / 1000] },
			y: { range: (_u, _min, max) => [0, Math.max(floor, (max ?? 0) * 1.15)] },
		},
		axes: [
			{ ...axis, space: 90, size: 30, values: (_u, list) => list.map((at, i) => (i > 0 && clock(at) === clock(list[i - 1]!) ? '' : clock(at))) },
			{ ...axis, size: 78, space: 34, values: (_u, list) => list.map(v => (floor < 100 && v % 1 ? '' : format(v))) },
		],
		series: [
			{},
			...colours.map((name, i) => (i === 0
				? { stroke: of(name), width: 2, fill: `${of(name)}1c`, points: { show: false } }
				: { stroke: of(name), width: 2, dash: [6, 4], points: { show: false } })),
		],
	}, [[], ...colours.map(() => [])], box);
}

export function Plot(props: Props) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot>();
	const data = useRef(props.data);
	data.current = props.data;
	useEffect(() => {
		const el = box.current!;
		const start = () => {
			const now = Date.now() / 1000;
			return Math.max(now - WINDOW, Math.min(now - LEAST, data.current[0][0] ?? now));
		};
		const mine = (plot.current = make(el, props, start));
		mine.setData(data.current);
		const watch = new ResizeObserver(() => mine.setSize({ width: el.clientWidth, height: el.clientHeight }));
		watch.observe(el);
		const move = setInterval(() => mine.redraw(true, true), 2000);
		return () => {
			clearInterval(move);
			watch.disconnect();
			mine.destroy();
		};
	}, [dark.value]);
	useEffect(() => plot.current?.setData(props.data), [props.data]);
	return (
		<div class="plotbox">
			<div class={`plot ${props.low ? 'low' : ''}`} ref={box} aria-hidden="true" />
			{props.data[0].length === 0 && <p class="dim small">The first figures come in some seconds.</p>}
		</div>
	);
}

export function Traffic({ list, low, from, to }: { list: Counted[]; low?: boolean; from: string; to: string }) {
	const data = rates(list);
	return (
		<>
			<Plot data={data} colours={['--rx', '--tx']} format={bits} floor={10000} low={low} />
			<p class="legend">
				<span><i />{from} <b class="num">{bits(data[1].at(-1) ?? 0)}</b></span>
				<span><i class="tx" />{to} <b class="num">{bits(data[2].at(-1) ?? 0)}</b></span>
			</p>
		</>
	);
}

// How many clients are there, over time.
export function Connected() {
	const list = samples.value;
	const newest = list.at(-1);
	return (
		<>
			<Plot
				data={[list.map(s => s.at), list.map(s => s.online), list.map(s => s.idle)]} colours={['--rx', '--tx']}
				format={n => n.toLocaleString('en')} floor={5} low
			/>
			<p class="legend">
				<span><i />online <b class="num">{count(newest?.online ?? 0, 'client')}</b></span>
				<span><i class="tx" />idle <b class="num">{count(newest?.idle ?? 0, 'client')}</b></span>
			</p>
		</>
	);
}
