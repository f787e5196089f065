// node tools/refresh.mjs: new data into pages that are compiled already, without vite. Run `npm run sources` first.
// Runs SvelteKit's own prerendering again over the kept server bundle, then copies pages, query results and data into build/.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const template = join(root, '.evidence/template');
const output = join(template, '.svelte-kit/output');
const build = join(root, 'build');
process.env.EVIDENCE_IS_BUILDING = 'true';
process.env.EVIDENCE_DATA_DIR ??= './static/data';
process.env.EVIDENCE_DATA_URL_PREFIX ??= 'static/data';
process.chdir(template);
rmSync(join(output, 'prerendered'), { recursive: true, force: true });
rmSync('.evidence-queries/cache', { recursive: true, force: true });

const { default: prerender } = await import(pathToFileURL(join(root, 'node_modules/@sveltejs/kit/src/core/postbuild/prerender.js')).href);
const manifestPath = join(output, 'server/manifest-full.js');
const { manifest } = await import(pathToFileURL(manifestPath).href);
const routes = new Map(
	manifest._.routes.map((route) => [
		route.id,
		{ prerender: route.page ? true : undefined, api: { methods: [] }, page: { methods: [] }, methods: [], config: {}, entries: undefined }
	])
);
const { prerendered } = await prerender({ out: output, manifest_path: manifestPath, metadata: { nodes: new Map(), routes }, verbose: false, env: {} });
if (prerendered.pages.size === 0) throw new Error('no page was made');

for (const folder of ['api', 'data']) rmSync(join(build, folder), { recursive: true, force: true });
for (const folder of ['dependencies', 'pages']) {
	const from = join(output, 'prerendered', folder);
	if (existsSync(from)) cpSync(from, build, { recursive: true });
}
// As Evidence's own build does: data files under the hash of their content, so that they may be cached for long.
const index = JSON.parse(readFileSync('static/data/manifest.json', 'utf8'));
for (const files of Object.values(index.renderedFiles)) {
	for (const [place, file] of files.entries()) {
		const short = file.split('/').slice(-3).join('/');
		const bytes = readFileSync(`static/data/${short}`);
		const hashed = posix.join(posix.dirname(short), createHash('md5').update(bytes).digest('hex'), posix.basename(short));
		mkdirSync(dirname(join(build, 'data', hashed)), { recursive: true });
		writeFileSync(join(build, 'data', hashed), bytes);
		files[place] = file.replace(short, hashed);
	}
}
writeFileSync(join(build, 'data/manifest.json'), JSON.stringify(index));
process.exit(0);
