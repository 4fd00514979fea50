// Print the files of a built panel as one C table (struct panel_asset in src/control/assets.h), each
// as it is and packed. usage: embed.mjs DIST OUT.c; without DIST, an empty table
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const types = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.css': 'text/css; charset=utf-8',
	'.svg': 'image/svg+xml',
};

function files(dir, under = '') {
	return readdirSync(dir, { withFileTypes: true }).flatMap(entry =>
		entry.isDirectory() ? files(join(dir, entry.name), `${under}${entry.name}/`) : [under + entry.name]).sort();
}

function array(name, bytes) {
	const lines = [];
	for (let i = 0; i < bytes.length; i += 32)
		lines.push(Array.from(bytes.subarray(i, i + 32)).join(','));
	return `static const unsigned char ${name}[] = {\n${lines.join(',\n')}};\n`;
}

const [dist, out] = process.argv.slice(2);
let text = '#include "control/assets.h"\n';
const rows = files(dist).map((path, i) => {
	const type = types[extname(path)];
	if (!type)
		throw new Error(`${path}: what type is this?`);
	const bytes = readFileSync(join(dist, path));
	const packed = gzipSync(bytes, { level: 9 });
	text += array(`file${i}`, bytes) + array(`packed${i}`, packed);
	const tag = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
	return `\t{"${path}", "${type}", "\\"${tag}\\"", file${i}, sizeof(file${i}), packed${i}, sizeof(packed${i})},\n`;
});
text += `const struct panel_asset panel_assets[] = {\n${rows.join('')}\t{0}};\n`;
writeFileSync(out, text);
