// A fresh configuration: picture, text, file, and how to bring it to the device. When this closes,
// nobody but the device has the key.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api } from '../../lib/api';
import { listen } from '../../lib/events';
import type { Client } from '../../lib/model';
import { nodeName } from '../../lib/fleet';
import { Dialog } from '../../parts/Dialog';
import { Icon } from '../../parts/Icon';
import { Picture } from '../../parts/Picture';
import { copy } from '../../parts/Secret';
import { State } from '../../parts/State';
import { Tabs } from '../../parts/Tabs';
import { PATH, type Handout } from './actions';
import { guides } from './guides';
import { fileName } from './status';

// What the picture says: the configuration without its comments. A scanner has to guess the
// character set of a name in one, and one that guesses wrong may swallow the end of the line.
function pictured(config: string): string {
	return config.split('\n').filter(line => !line.startsWith('#')).join('\n');
}

function Configuration({ config, file }: { config: string; file: string }) {
	const url = useMemo(() => URL.createObjectURL(new Blob([config], { type: 'text/plain' })), [config]);
	useEffect(() => () => URL.revokeObjectURL(url), [url]);
	return (
		<>
			<div class="shown">
				<Picture text={pictured(config)} label="QR code of this configuration" />
				<div class="stack">
					<div class="row wrap">
						<a class="button primary" href={url} download={file} title={file}><Icon name="download" />Download</a>
						<button type="button" class="button" onClick={() => void copy(config)}><Icon name="copy" />Copy</button>
						<button type="button" class="button" onClick={() => print()}><Icon name="print" />Print</button>
					</div>
					<Tabs
						label="How to connect"
						tabs={guides.map(g => ({
							id: g.id,
							title: g.title,
							body: () => <ol class="steps">{g.steps(file).map((s, i) => <li key={i}><div>{s}</div></li>)}</ol>,
						}))}
					/>
				</div>
			</div>
			<details class="more">
				<summary>Show the text</summary>
				<pre class="config" tabIndex={0} aria-label="Configuration">{config}</pre>
			</details>
		</>
	);
}

function Link({ link }: { link: string }) {
	return (
		<div class="shown">
			<Picture text={link} label="QR code of this link" />
			<div class="stack">
				<p>Send this link, or let its QR code be scanned. It opens once, within 15 minutes; then the server forgets the key.</p>
				<input readOnly value={link} aria-label="Link that opens once" onFocus={e => e.currentTarget.select()} />
				<div class="row"><button type="button" class="button primary" onClick={() => void copy(link)}><Icon name="copy" />Copy the link</button></div>
			</div>
		</div>
	);
}

export function Shown({ handout, onClose }: { handout: Handout; onClose: () => void }) {
	const { client, config, link } = handout;
	const [now, setNow] = useState<Pick<Client, 'link_state' | 'gateway'> | null>(null);
	// The reward for scanning: it says so when the device is there.
	useEffect(() => listen(heard => {
		if (heard.type === 'link' && heard.data.id === client.id)
			setNow(heard.data);
		else if (heard.type === 'links' || heard.type === 'refresh')
			api.get<Client>(`${PATH}/${client.id}`).then(setNow, () => {});
	}), [client.id]);
	return (
		<Dialog
			title={client.name} kind="wide" keep onClose={onClose}
			footer={
				<>
					<span class="row grow" role="status">
						{now?.link_state === 'online'
							? <span class="tag accent wide"><State state="online" />{now.gateway && nodeName(now.gateway) !== '–' ? <>, at {nodeName(now.gateway)}</> : ''}: it works.</span>
							: <span class="dim small waits">Waiting for its first connection…</span>}
					</span>
					<button type="button" class="button primary" data-focus onClick={onClose}>Done</button>
				</>
			}
		>
			{config && (
				<p class="notice">
					<Icon name="key" />
					<span>The key in it was made in this browser and is nowhere else. Bring it to the device now: once this is closed, it cannot be shown again.</span>
				</p>
			)}
			{config && <Configuration config={config} file={fileName(client)} />}
			{link && <Link link={link} />}
			{!config && !link && <p class="notice warn">It was made, but no gateway is reachable right now. Make a new key when one is back.</p>}
		</Dialog>
	);
}
