// Where a client comes in: the gateways of its group by region. Its configuration works at each of
// them and names one.
import { Mark } from '../../parts/State';
import type { Place } from '../../lib/model';

export const usable = (p: Place) => p.enabled && p.endpoint !== null;

export function placeName(p: Place): string {
	return p.region ? `${p.region} (${p.name})` : p.name;
}

interface Props {
	places: Place[];
	chosen: string;
	wrong?: string;
	onChange: (gateway: string) => void;
}

export function Places({ places, chosen, wrong, onChange }: Props) {
	const shown = [...places].sort((a, b) => Number(b.nearest) - Number(a.nearest) || (a.region ?? '￿').localeCompare(b.region ?? '￿'));
	return (
		<fieldset class="places">
			<legend>Comes in at</legend>
			<div class="choices two">
				{shown.map(p => (
					<label class="choice" key={p.gateway}>
						<input type="radio" name="place" checked={p.gateway === chosen} disabled={!usable(p) && p.gateway !== chosen} onChange={() => onChange(p.gateway)} />
						<span class="grow">
							{p.region ?? p.name}{p.nearest && <span class="tag accent">nearest</span>}
							<small>{p.region && `${p.name}, `}{p.endpoint ?? 'no known endpoint'}</small>
							<small class="state">{p.enabled ? <><Mark state={p.online ? 'online' : 'offline'} />{p.online ? 'Online' : 'Not there now'}</> : <><Mark state="disabled" />Disabled</>}</small>
						</span>
					</label>
				))}
			</div>
			<span class="hint">The file names this one; it works at the others, too.</span>
			{wrong && <span class="wrong" role="alert">{wrong}</span>}
		</fieldset>
	);
}
