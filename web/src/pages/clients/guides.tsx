// How to bring a configuration to a device, by platform.
import type { ComponentChildren } from 'preact';

export interface Guide {
	id: string;
	title: string;
	steps: (file: string) => ComponentChildren[];
}

function name(file: string): string {
	return file.replace(/\.conf$/, '');
}

export const guides: Guide[] = [
	{
		id: 'phone', title: 'Phone',
		steps: () => [
			'Install the WireGuard app from the App Store or Google Play.',
			<>In it, tap <b>+</b>, then <b>Scan from QR code</b> (iOS: <b>Create from QR code</b>), and point the camera at the picture.</>,
			'Give the tunnel a name and switch it on.',
		],
	},
	{
		id: 'windows', title: 'Windows',
		steps: file => [
			'Install WireGuard for Windows from wireguard.com/install.',
			<>Download <code>{file}</code> here.</>,
			<>In the app: <b>Import tunnel(s) from file</b>, choose the file, then <b>Activate</b>. It starts at boot by itself.</>,
		],
	},
	{
		id: 'mac', title: 'macOS',
		steps: file => [
			'Install WireGuard from the App Store.',
			<>Download <code>{file}</code> here.</>,
			<>In the menu bar: <b>Import Tunnel(s) from File…</b>, choose the file, then <b>Activate</b>. <b>On-Demand</b> brings it up by itself.</>,
		],
	},
	{
		id: 'linux', title: 'Linux',
		steps: file => [
			<>Install <code>wireguard-tools</code> (and <code>resolvconf</code> if DNS servers are set).</>,
			<><span>Put the file where it belongs and bring it up:</span><pre>{`sudo install -m 600 ${file} /etc/wireguard/\nsudo wg-quick up ${name(file)}`}</pre></>,
			<><span>At boot:</span><pre>{`sudo systemctl enable wg-quick@${name(file)}`}</pre></>,
		],
	},
	{
		id: 'nm', title: 'Desktop',
		steps: file => [
			<>Download <code>{file}</code> here.</>,
			<><span>Import it; it then is in the desktop's network menu and starts at boot:</span><pre>{`nmcli connection import type wireguard file ${file}`}</pre></>,
		],
	},
];
