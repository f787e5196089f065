#!/usr/bin/env node
// `npm test`: installs what is missing and runs every test that needs nothing but npm. `node bin/test.js browser` runs the
// browser tests, which also need the dashboards' packages; `node bin/test.js trino` those on a real Trino, which need Java;
// `node bin/test.js cloud` those of what is deployed to AWS, which need the packages of infra/, Python, and for one part Java.
// More arguments go to vitest.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNode, installMissing, run } from './install.js';

checkNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [first, ...rest] = process.argv.slice(2);
const part = ['browser', 'trino', 'cloud'].find((name) => name === first);
const more = part !== undefined ? rest : process.argv.slice(2);
const bin = (name) => join(root, 'node_modules', '.bin', name);

await installMissing(root, 'percorso');
const projects =
  part !== undefined ? ['--project', part] : ['unit', 'slow', 'process'].flatMap((name) => ['--project', name]);
if (part === 'browser') await installMissing(join(root, 'dashboards'), 'dashboards');
if (part === 'cloud') await installMissing(join(root, 'infra'), 'infra');
const steps =
  part === undefined
    ? [
        [bin('tsc'), []],
        [bin('biome'), ['check', '.']],
        [bin('knip'), []],
      ]
    : part === 'cloud'
      ? [[bin('tsc'), ['--project', join(root, 'infra')]]]
      : [];
// At once: none of them keeps all cores busy. A mistake that they find is told in seconds, before the tests begin.
const codes = await Promise.all(steps.map(([command, args]) => run(command, args, { cwd: root })));
const failed = codes.find((code) => code !== 0);
if (failed !== undefined) process.exit(failed);
process.exit(await run(bin('vitest'), ['run', ...projects, ...more], { cwd: root }));
