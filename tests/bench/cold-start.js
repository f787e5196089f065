// How long each Lambda's bundle takes to load in a fresh process, as at a cold start, and how large it is:
// `node tests/bench/cold-start.js FOLDER`, where FOLDER is what `npx cdk synth` wrote. The least of ten is shown, with the median.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const folder = resolve(process.argv[2] ?? 'infra/cdk.out');
const functions = readdirSync(folder)
  .filter((file) => file.endsWith('.template.json'))
  .flatMap((file) => Object.values(JSON.parse(readFileSync(join(folder, file), 'utf8')).Resources))
  .filter(({ Type }) => Type === 'AWS::Lambda::Function');
console.log('| Lambda | KB | KB zipped | load ms, least | median | CPU ms, least | MB resident |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const { Properties } of functions) {
  // What the deployment fills in is a word here: nothing is called.
  const variables = Object.entries(Properties.Environment?.Variables ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : 'x',
  ]);
  const env = { ...Object.fromEntries(variables), PATH: process.env.PATH, AWS_REGION: 'eu-south-1' };
  const file = join(folder, `asset.${Properties.Code.S3Key.replace('.zip', '')}`, 'index.mjs');
  const script = `
    const before = process.cpuUsage();
    const began = performance.now();
    await import(${JSON.stringify(pathToFileURL(file).href)});
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify([performance.now() - began, (user + system) / 1000, process.memoryUsage().rss / 1e6]));`;
  const runs = Array.from({ length: 10 }, () =>
    JSON.parse(
      execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], { env, encoding: 'utf8' }),
    ),
  );
  const column = (at) => runs.map((run) => run[at]).sort((a, b) => a - b);
  const zipped = gzipSync(readFileSync(file)).byteLength;
  const cells = [statSync(file).size / 1000, zipped / 1000, column(0)[0], column(0)[5], column(1)[0], column(2)[5]];
  console.log(`| ${Properties.FunctionName} | ${cells.map((cell) => Math.round(cell)).join(' | ')} |`);
}
