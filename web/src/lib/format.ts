// Numbers and times as people read them.
import { signal } from '@preact/signals';

// Ticks each 10 s, so that what says "a minute ago" goes on being right.
export const now = signal(Date.now());
setInterval(() => {
	if (!document.hidden)
		now.value = Date.now();
}, 10000);

const steps: [number, Intl.RelativeTimeFormatUnit][] = [
	[60, 'second'], [60, 'minute'], [24, 'hour'], [30, 'day'], [12, 'month'], [Infinity, 'year'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export function ago(time: string | null | undefined): string {
	if (!time)
		return 'never';
	// The tick only says when to look again: it is up to ten seconds old.
	let n = (new Date(time).getTime() - Math.max(now.value, Date.now())) / 1000;
	if (Math.abs(n) < 5)
		return 'just now';
	for (const [size, unit] of steps) {
		if (Math.round(Math.abs(n)) < size) // not "60 minutes ago"
			return relative.format(Math.round(n), unit);
		n /= size;
	}
	return '';
}

// How long since: "3 d", "5 mo".
export function age(time: string | null | undefined): string {
	if (!time)
		return '–';
	const days = Math.floor((now.value - new Date(time).getTime()) / 86400000);
	if (days < 1)
		return 'today';
	if (days < 60)
		return `${days} d`;
	return days < 730 ? `${Math.floor(days / 30)} mo` : `${Math.floor(days / 365)} y`;
}

export function daysSince(time: string | null | undefined): number {
	return time ? (now.value - new Date(time).getTime()) / 86400000 : 0;
}

export function moment(time: string | null | undefined): string {
	return time ? new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) : 'never';
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytes(n: number): string {
	let i = 0;
	while (n >= (i === 0 ? 1024 : 1023.5) && i < units.length - 1) { // not "1024 KiB"
		n /= 1024;
		i++;
	}
	return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

// Bytes as people count what they pay for: by thousands.
export function volume(n: number): string {
	const names = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
	let i = 0;
	while (n >= (i === 0 ? 1000 : 999.5) && i < names.length - 1) {
		n /= 1000;
		i++;
	}
	return `${i === 0 || n >= 100 ? Math.round(n) : Number(n.toFixed(1))} ${names[i]}`;
}

const bitUnits = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];

export function bits(n: number): string {
	let i = 0;
	while (n >= (i === 0 ? 1000 : 999.5) && i < bitUnits.length - 1) {
		n /= 1000;
		i++;
	}
	return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1).replace('.0', '')} ${bitUnits[i]}`;
}

export function count(n: number, one: string, many = `${one}s`): string {
	return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

// "a, b  c" -> ["a", "b", "c"]
export function words(text: string): string[] {
	return text.split(/[\s,]+/).filter(Boolean);
}
