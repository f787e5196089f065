// The whole road on the demo company: files in to marts out. `node tests/bench/road.js [customers]` (default 40000, about a
// million events) prints wall time, CPU, peak memory and rows per second of each command, and of each step of the build.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const customers = process.argv[2] ?? '40000';
const folder = mkdtempSync(join(tmpdir(), 'percorso-bench-'));
const company = join(folder, 'company');
const usageFile = join(folder, 'usage.json');
const hook = pathToFileURL(join(root, 'tests/bench/record-usage.js')).href;

function measure(label, args) {
  const began = performance.now();
  const done = spawnSync(process.execPath, ['--import', hook, join(root, 'bin/percorso.js'), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, PERCORSO_USAGE_FILE: usageFile },
  });
  if (done.status !== 0) throw new Error(`${label} failed:\n${done.stderr}`);
  const usage = JSON.parse(readFileSync(usageFile, 'utf8'));
  return { label, wall_s: (performance.now() - began) / 1000, ...usage, stdout: done.stdout };
}

function row(cells) {
  console.log(`| ${cells.join(' | ')} |`);
}

try {
  const demo = measure('demo', ['demo', company, '--customers', customers, '--no-truth']);
  const first = measure('import', ['import', join(company, 'landing'), '--dir', company, '--json']);
  const again = measure('import again', ['import', join(company, 'landing'), '--dir', company, '--json']);
  const build = measure('build', ['build', '--dir', company, '--full-refresh', '--json']);
  const result = JSON.parse(build.stdout);
  const events = result.timings.find((step) => step.step === 'model stg_arrivals')?.rows ?? 0;

  console.log(
    `${customers} customers, ${events} events, ${availableParallelism()} cores, Node ${process.versions.node}\n`,
  );
  row(['command', 'wall s', 'user CPU s', 'peak MB', 'events/s']);
  row(['---', '---', '---', '---', '---']);
  for (const step of [demo, first, again, build]) {
    row([
      step.label,
      step.wall_s.toFixed(1),
      step.user_s.toFixed(1),
      step.peak_mb,
      step === again ? '-' : Math.round(events / step.wall_s),
    ]);
  }
  console.log('');
  row(['step of the build', 's', 'rows', 'peak MB']);
  row(['---', '---', '---', '---']);
  for (const step of result.timings.filter(({ seconds }) => seconds >= 0.2)) {
    row([step.step, step.seconds.toFixed(1), step.rows ?? '', step.peak_mb]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
