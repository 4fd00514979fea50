// How to bring a configuration to a device, by platform, and how it comes up by itself.
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
		id: 'iphone', title: 'iPhone',
		steps: () => [
			<>On the iPhone or iPad, install <b>WireGuard</b> from the App Store.</>,
			<>Open it, tap <b>+</b>, then <b>Create from QR code</b>, and point the camera at the picture.</>,
			<>Give it a name, allow the VPN when asked, and switch it on.</>,
			<>To be on always: <b>Edit</b>, then <b>On-Demand</b> for Wi-Fi and mobile data. It comes up by itself, after a restart too.</>,
		],
	},
	{
		id: 'android', title: 'Android',
		steps: () => [
			<>On the phone, install <b>WireGuard</b> from Google Play (or F-Droid).</>,
			<>Open it, tap <b>+</b>, then <b>Scan from QR code</b>, and point the camera at the picture.</>,
			<>Give it a name, switch it on, and allow the VPN when asked.</>,
			<>To be on always: the phone’s <b>Settings</b>, <b>Network</b>, <b>VPN</b>, the wheel beside WireGuard, <b>Always-on VPN</b>.</>,
		],
	},
	{
		id: 'mac', title: 'macOS',
		steps: file => [
			<>Install <b>WireGuard</b> from the App Store.</>,
			<>Download <code>{file}</code> with the button here.</>,
			<>In the app: <b>Import Tunnel(s) from File…</b>, choose the file, then <b>Activate</b>.</>,
			<>To be on always: <b>Edit</b>, then <b>On-Demand</b> for Ethernet and Wi-Fi. It comes up by itself, after a restart too.</>,
		],
	},
	{
		id: 'windows', title: 'Windows',
		steps: file => [
			<>Install WireGuard from <b>wireguard.com/install</b>.</>,
			<>Download <code>{file}</code> with the button here.</>,
			<>In the app: <b>Import tunnel(s) from file</b>, choose the file, then <b>Activate</b>.</>,
			'A tunnel that was active when Windows went down comes up again at boot, before anybody signs in.',
		],
	},
	{
		id: 'linux', title: 'Linux',
		steps: file => [
			<>Install <code>wireguard-tools</code> (and <code>resolvconf</code> if DNS servers are set), and download <code>{file}</code> with the button here.</>,
			<><span>Put the file where it belongs and bring it up:</span><pre tabIndex={0}>{`sudo install -m 600 ${file} /etc/wireguard/\nsudo wg-quick up ${name(file)}`}</pre></>,
			<><span>At boot:</span><pre tabIndex={0}>{`sudo systemctl enable wg-quick@${name(file)}`}</pre></>,
			<><span>Or, on a desktop with NetworkManager, this in place of both. It then is in the network menu, and comes up at boot:</span><pre tabIndex={0}>{`nmcli connection import type wireguard file ${file}`}</pre></>,
		],
	},
];
