// Bundles client/ into the folder that is named: one bundle a language, so that a phone loads the texts of its own.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const out = process.argv[2];
mkdirSync(out, { recursive: true });
const common = { bundle: true, minify: true, target: 'es2022', logLevel: 'warning', legalComments: 'eof' };
for (const language of ['zh-CN', 'en']) {
  for (const entry of ['app', 'check', 'plans'])
    await build({
      ...common, entryPoints: [`client/${entry}.ts`], format: 'esm', outfile: join(out, `${entry}.${language}.js`),
      alias: { texts: resolve(`Texts/${language}.json`) },
    });
}
for (const sheet of ['resident', 'staff'])
  await build({ ...common, entryPoints: [`client/${sheet}.css`], outfile: join(out, `${sheet}.css`), loader: { '.svg': 'dataurl' } });
copyFileSync('node_modules/zxing-wasm/dist/reader/zxing_reader.wasm', join(out, 'zxing_reader.wasm'));
