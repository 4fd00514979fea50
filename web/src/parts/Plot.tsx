// Bytes a second over time, both ways. The picture is for eyes; the words beneath say the same.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { samples, type Sample } from '../lib/events';
import { bits } from '../lib/format';
import { dark } from '../lib/theme';

const WINDOW = 10 * 60; // seconds shown
const SMOOTH = 12; // seconds a rate is taken over: gateways report every few

// Sums only grow, except when a client is deleted; then the rate is not known for a moment.
export function rates(list: Sample[]): [number[], (number | null)[], (number | null)[]] {
	const at: number[] = [], rx: (number | null)[] = [], tx: (number | null)[] = [];
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

function colours() {
	const style = getComputedStyle(document.documentElement);
	const of = (name: string) => style.getPropertyValue(name).trim();
	return { rx: of('--rx'), tx: of('--tx'), line: of('--line'), dim: of('--dim'), font: `12px ${of('--font')}` };
}

function make(box: HTMLElement): uPlot {
	const c = colours();
	const axis = { stroke: c.dim, font: c.font, grid: { stroke: c.line, width: 1 }, ticks: { show: false } };
	return new uPlot({
		width: box.clientWidth,
		height: box.clientHeight,
		cursor: { show: false },
		legend: { show: false },
		scales: {
			x: { range: () => [Date.now() / 1000 - WINDOW, Date.now() / 1000] },
			y: { range: (_u, _min, max) => [0, Math.max(10000, (max ?? 0) * 1.15)] },
		},
		axes: [{ ...axis, space: 90, values: (_u, list) => list.map(clock) }, { ...axis, size: 84, values: (_u, list) => list.map(v => bits(v)) }],
		series: [
			{},
			{ stroke: c.rx, width: 2, fill: `${c.rx}1c`, points: { show: false } },
			{ stroke: c.tx, width: 2, dash: [6, 4], points: { show: false } },
		],
	}, [[], [], []], box);
}

export function Plot() {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot>();
	const data = rates(samples.value);
	useEffect(() => {
		const el = box.current!;
		const mine = (plot.current = make(el));
		mine.setData(rates(samples.value));
		const watch = new ResizeObserver(() => mine.setSize({ width: el.clientWidth, height: el.clientHeight }));
		watch.observe(el);
		const move = setInterval(() => mine.redraw(true, true), 2000);
		return () => {
			clearInterval(move);
			watch.disconnect();
			mine.destroy();
		};
	}, [dark.value]);
	useEffect(() => {
		plot.current?.setData(data);
	}, [samples.value]);
	const rx = data[1].at(-1) ?? 0, tx = data[2].at(-1) ?? 0;
	return (
		<>
			<div class="plot" ref={box} aria-hidden="true" />
			<p class="legend">
				<span><i />from clients <b class="num">{bits(rx)}</b></span>
				<span><i class="tx" />to clients <b class="num">{bits(tx)}</b></span>
			</p>
		</>
	);
}
