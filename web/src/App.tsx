// Who is here decides what is shown: the gate, a new password, or the panel in its frame. When a
// session ends in the middle of work, the gate lies over the panel, and what was begun stays.
import { useEffect, useErrorBoundary } from 'preact/hooks';
import { ended, project } from './lib/api';
import { startEvents, stopEvents } from './lib/events';
import { me, restore, unreachable } from './lib/session';
import { Frame } from './parts/Frame';
import { Gate, GateOver } from './parts/Gate';
import { Questions } from './parts/Dialog';

function Inside() {
	useEffect(() => {
		if (ended.value)
			return;
		startEvents();
		return stopEvents;
	}, [me.value?.id, project.value, ended.value]);
	return <Frame />;
}

export function App() {
	const [error, reset] = useErrorBoundary();
	if (error)
		return (
			<div class="gate">
				<div class="card stack">
					<h1>Something in this page broke</h1>
					<p class="dim">{String(error.message ?? error)}</p>
					<button type="button" class="button primary" onClick={() => { reset(); location.reload(); }}>Reload</button>
				</div>
			</div>
		);
	const who = me.value;
	return (
		<>
			{who === undefined
				? unreachable.value && (
					<div class="gate">
						<div class="card stack">
							<h1>No answer</h1>
							<p class="dim">{unreachable.value}</p>
							<button type="button" class="button primary" onClick={() => void restore()}>Try again</button>
						</div>
					</div>
				)
				: who === null || (who.must_change_password && !ended.value)
					? <Gate />
					: <Inside />}
			<Questions />
			{who && ended.value && <GateOver />}
		</>
	);
}
