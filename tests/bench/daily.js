// The next day's build on top of a company: `node tests/bench/daily.js <company folder>`. The folder's facts are imported
// already. It is built whole, up to the last but one day of its data; one day's events are then added as a night brings
// them, and built on top. Prints wall time, CPU, peak memory, and the rows that the day's build read and wrote.
// The folder's `lake/marts` is made anew; nothing else is changed, but for one raw object, which is taken out again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const company = process.argv[2];
if (company === undefined) throw new Error('node tests/bench/daily.js <company folder>');
const folder = mkdtempSync(join(tmpdir(), 'percorso-daily-'));
const usageFile = join(folder, 'usage.json');
const hook = pathToFileURL(join(root, 'tests/bench/record-usage.js')).href;

function percorso(args) {
  const began = performance.now();
  const done = spawnSync(
    process.execPath,
    ['--import', hook, join(root, 'bin/percorso.js'), ...args, '--dir', company],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, PERCORSO_USAGE_FILE: usageFile },
    },
  );
  if (done.status !== 0) throw new Error(done.stderr);
  const usage = JSON.parse(readFileSync(usageFile, 'utf8'));
  return { wall_s: (performance.now() - began) / 1000, ...usage, stdout: done.stdout, stderr: done.stderr };
}

/** A day like the last one: its events, a day later, with ids of their own. */
function nextDay(asOf) {
  const query = `select e.event_id, e.event_type, e.source, e.occurred_at, l.identifier
    from events as e
    inner join (select person_id, min(identifier_b) as identifier from identity_links where person_id is not null group by person_id) as l
      on l.person_id = e.person_id
    where e.event_date = date '${asOf}' and not e.is_bot and e.event_type = 'Page Viewed' and l.identifier like 'a:%'`;
  const rows = JSON.parse(percorso(['query', query, '--json']).stdout);
  const later = (instant) => new Date(Date.parse(instant) + 86_400_000).toISOString();
  const lines = rows.map((row) =>
    JSON.stringify({
      source: row.source,
      event_id: `bench-${row.event_id}`,
      event_type: row.event_type,
      occurred_at: later(row.occurred_at),
      received_at: later(row.occurred_at),
      trust: 'server',
      keys: { anonymous_id: row.identifier },
      touch: { source: 'google', medium: 'cpc' },
      schema_version: 1,
    }),
  );
  const body = gzipSync(`${lines.join('\n')}\n`);
  const day = later(`${asOf}T00:00:00Z`).slice(0, 10);
  const object = join(
    company,
    'lake/raw/events',
    day,
    `${createHash('sha256').update(body).digest('hex').slice(0, 32)}.jsonl.gz`,
  );
  return { object, body, events: rows.length };
}

let added;
try {
  const full = percorso(['build', '--full-refresh', '--json']);
  const whole = JSON.parse(full.stdout);
  const day = nextDay(whole.as_of);
  mkdirSync(dirname(day.object), { recursive: true });
  writeFileSync(day.object, day.body);
  added = day.object;
  const daily = percorso(['build', '--json', '--set', 'fullRefresh=never']);
  const next = JSON.parse(daily.stdout);
  const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
  console.log(`${whole.tables.events} events; one day more: ${day.events} events; ${next.kind} build\n`);
  row(['build', 'wall s', 'user CPU s', 'peak MB']);
  row(['---', '---', '---', '---']);
  for (const [name, run] of [
    ['everything', full],
    ['the next day', daily],
  ]) {
    row([name, run.wall_s.toFixed(1), run.user_s.toFixed(1), run.peak_mb]);
  }
  console.log('');
  row(['what the next day reads of the last build', 'rows']);
  row(['---', '---']);
  for (const step of next.timings.filter(({ kind, rows }) => kind === 'earlier' && rows > 0)) {
    row([step.step.replace('earlier ', ''), step.rows]);
  }
  console.log('');
  row(['step of the next day', 's', 'rows']);
  row(['---', '---', '---']);
  for (const step of next.timings.filter(({ seconds }) => seconds >= 0.2)) {
    row([step.step, step.seconds.toFixed(1), step.rows ?? '']);
  }
} finally {
  if (added !== undefined) rmSync(added);
  rmSync(folder, { recursive: true, force: true });
}
