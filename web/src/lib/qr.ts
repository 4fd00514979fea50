// A QR code as whole pixels: byte mode, level M (L when it is long), quiet zone of four modules.
import qrcode from 'qrcode-generator';

const QUIET = 4;
const LONG = 1200; // bytes; beyond this, level L keeps the modules large enough to scan

export interface Picture {
	url: string; // data:image/png
	pixels: number; // its width
}

// null when the text is too long for any QR code.
export function qr(text: string, room = Math.min(350, innerWidth - 80)): Picture | null {
	const bytes = new TextEncoder().encode(text);
	qrcode.stringToBytes = () => Array.from(bytes);
	let code;
	try {
		code = qrcode(0, bytes.length > LONG ? 'L' : 'M');
		code.addData(text, 'Byte');
		code.make();
	} catch {
		return null;
	}
	const modules = code.getModuleCount();
	const side = modules + 2 * QUIET;
	const each = Math.max(2, Math.floor((room * devicePixelRatio) / side));
	const canvas = document.createElement('canvas');
	canvas.width = canvas.height = side * each;
	const draw = canvas.getContext('2d')!;
	draw.fillStyle = '#fff';
	draw.fillRect(0, 0, canvas.width, canvas.height);
	draw.fillStyle = '#000';
	for (let y = 0; y < modules; y++)
		for (let x = 0; x < modules; x++)
			if (code.isDark(y, x))
				draw.fillRect((x + QUIET) * each, (y + QUIET) * each, each, each);
	return { url: canvas.toDataURL('image/png'), pixels: canvas.width };
}
