// A text as a QR code, drawn in this page.
import { useMemo } from 'preact/hooks';
import { qr } from '../lib/qr';

export function Picture({ text, label }: { text: string; label: string }) {
	const picture = useMemo(() => qr(text), [text]);
	if (!picture)
		return <p class="notice warn">This is too long for a QR code: use the file.</p>;
	const side = `${picture.pixels / devicePixelRatio}px`;
	return <div class="qr"><img src={picture.url} alt={label} style={{ width: side, height: side }} /></div>;
}
