#!/usr/bin/env node
// `npm start`: from a fresh clone to dashboards of the demo company, in one command. Every step is skipped where it is done.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNode, installMissing, run } from './install.js';

checkNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const company = join(root, 'demo');
const port = process.env.PORT ?? '4380';
const started = Date.now();

async function percorso(...args) {
  const code = await run(process.execPath, [join(root, 'bin/percorso.js'), ...args], { cwd: root });
  if (code !== 0) process.exit(code);
}

await installMissing(root, 'percorso');
// The dashboards' packages come down while the company is made: the one waits for the network, the other for the processor.
const dashboards = installMissing(join(root, 'dashboards'), 'dashboards');
if (!existsSync(join(company, 'percorso.config.ts'))) await percorso('demo', company);
await percorso('import', join(company, 'landing'), '--dir', company);
await percorso('build', '--dir', company);
await dashboards;
await percorso('dashboards', 'build', '--dir', company);
process.stderr.write(`ready after ${Math.round((Date.now() - started) / 1000)} s\n`);
await percorso('dashboards', 'serve', '--dir', company, '--port', port);
