// A number with its unit, for a Field: what the field says about it is said of the number.
import type { JSX } from 'preact';

export type Unit = [name: string, size: number];
export const BYTES: Unit[] = [['MB', 1e6], ['GB', 1e9], ['TB', 1e12]];
export const BITS: Unit[] = [['kbit/s', 1e3], ['Mbit/s', 1e6], ['Gbit/s', 1e9]];

export interface Measured {
	text: string;
	unit: number; // its size
}

// The largest unit that leaves something before the point.
export function measured(n: number, units: Unit[], usual: number): Measured {
	if (!n)
		return { text: '', unit: usual };
	const [, unit] = [...units].reverse().find(([, size]) => n >= size) ?? units[0]!;
	return { text: String(n / unit), unit };
}

export const total = (m: Measured) => Math.round(Number(m.text) * m.unit);

interface Props extends Omit<JSX.HTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> {
	value: Measured;
	units: Unit[];
	what: string; // whose unit it is, for who does not see it
	onChange: (m: Measured) => void;
}

export function Amount({ value, units, what, onChange, ...rest }: Props) {
	return (
		<div class="amount">
			<input {...rest} type="number" min="0" step="any" inputMode="decimal" value={value.text} onInput={e => onChange({ ...value, text: e.currentTarget.value })} />
			<select aria-label={`Unit of ${what}`} value={value.unit} onChange={e => onChange({ ...value, unit: Number(e.currentTarget.value) })}>
				{units.map(([name, size]) => <option key={name} value={size}>{name}</option>)}
			</select>
		</div>
	);
}
