// Icons as strokes on a grid of 24, drawn for this panel.
const paths: Record<string, string> = {
	overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z',
	nodes: 'M5 4h14v6H5zM5 14h14v6H5zM9 7h.01M9 17h.01',
	clients: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
	sites: 'M4 21V9l8-5 8 5v12M9 21v-6h6v6M4 21h16',
	vpn: 'M12 3l7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6zM9.5 12l2 2 3.5-4',
	networks: 'M12 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM5.5 20a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM18.5 20a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM10.8 7.5 7 15M13.2 7.5 17 15M8 17.5h8',
	policies: 'M4 6h7M4 12h5M4 18h7M14 9l3-3 3 3M17 6v12M14 15l3 3 3-3',
	users: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-3.5 2.7-6 6-6s6 2.5 6 6M16 4.5a3.5 3.5 0 0 1 0 6M18 14.5c1.9.9 3 2.9 3 5.5',
	audit: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
	settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
	search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.8-4.8',
	plus: 'M12 5v14M5 12h14',
	close: 'M6 6l12 12M18 6 6 18',
	more: 'M12 6h.01M12 12h.01M12 18h.01',
	copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
	download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
	key: 'M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 12l8-8M16 7l3 3M14 9l2 2',
	edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
	trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6',
	sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M4 12H2M22 12h-2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5',
	moon: 'M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z',
	menu: 'M4 7h16M4 12h16M4 17h16',
	exit: 'M14 4h5v16h-5M4 12h11M11 8l4 4-4 4',
	up: 'M6 14l6-6 6 6',
	down: 'M6 10l6 6 6-6',
	help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17h.01',
	file: 'M6 3h8l4 4v14H6zM14 3v4h4',
	print: 'M7 9V3h10v6M7 17H4v-7h16v7h-3M7 14h10v7H7z',
	done: 'M5 12.5l4.5 4.5L19 7.5',
	power: 'M12 4v8M7 6.5a8 8 0 1 0 10 0',
	link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17',
	alert: 'M12 4 2.5 20h19zM12 10v4M12 17h.01',
};

export function Icon({ name }: { name: string }) {
	return (
		<svg class="i" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
			<path d={paths[name] ?? ''} />
		</svg>
	);
}
