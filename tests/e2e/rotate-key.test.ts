import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import { createFolderStore } from '#adapters/folder-store';
import { createIdentifiers } from '#core/identifiers';
import { queryMarts } from '#pipeline/reading/query';
import { runProcess } from '../killed-process.ts';
import { runCommand } from '../run-command.ts';
import { filesUnder, textsUnder } from './company-files.ts';

let root: string;
const made = () => join(root, 'made');

const run = (dir: string, args: string[]) => runCommand(['--dir', dir, ...args], { cwd: root });

async function ran(dir: string, ...args: string[]) {
  const result = await run(dir, args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

const at = (day: number, minute = 0) => new Date(Date.UTC(2026, 0, day, 9, minute)).toISOString();

/** Eighty customers, each with a phone and a laptop, an order without an id of its own, and what a CRM says; one erased. */
function* events(): Generator<object> {
  for (let n = 0; n < 80; n++) {
    const email = `customer${n}@esempio.it`;
    const sources = ['google', 'facebook', 'newsletter'];
    for (const device of ['phone', 'laptop']) {
      yield {
        event_id: `${device}-${n}`,
        event_type: 'Page Viewed',
        occurred_at: at(1 + (n % 9), n),
        source: 'web',
        identifiers: { anonymous_id: `${device}-of-${n}` },
        touch: {
          source: sources[n % 3],
          medium: device === 'phone' ? 'cpc' : 'email',
          landing_page: `https://a.it/?to=${email}`,
        },
      };
    }
    yield {
      event_id: `login-${n}`,
      event_type: 'Identify',
      occurred_at: at(10),
      source: 'app',
      identifiers: { anonymous_id: `phone-of-${n}`, email },
    };
    yield {
      event_type: 'Order Completed',
      occurred_at: at(11 + (n % 9), n),
      source: 'shop',
      identifiers: { anonymous_id: `laptop-of-${n}`, email, phone: `+39 333 00000${String(n).padStart(2, '0')}` },
      value: { order_id: `W-${n}`, revenue: `${50 + n}.50`, margin: '15.00', currency: 'EUR' },
      properties: { invoice_to: email },
    };
    yield {
      event_type: 'Feedback Given',
      occurred_at: at(21),
      source: 'crm',
      identifiers: { crm_id: `C-${n}`, email },
      properties: { score: n % 11 },
    };
  }
}

const jsonLines = (records: Iterable<object>) => `${[...records].map((record) => JSON.stringify(record)).join('\n')}\n`;

async function query(dir: string, sql: string) {
  const { rows } = await queryMarts(createFolderStore(join(dir, 'lake')), (tables) => openMarts(tables), sql);
  return rows;
}

const totalsSql = `
  select 'conversions' as what, conversion_type as a, '' as b, '' as c, cast(count(*) as varchar) as n, cast(sum(revenue) as varchar) as r from conversions group by 2
  union all
  select 'credit', model, conversion_type, channel, cast(round(sum(conversions), 6) as varchar), cast(sum(revenue) as varchar) from channel_daily group by 2, 3, 4
  union all
  select 'persons', stage, state, first_channel, cast(count(*) as varchar), cast(sum(revenue) as varchar) from persons group by 2, 3, 4
  union all
  select 'touches', channel, device_class, stage, cast(count(*) as varchar), '' from touches group by 2, 3, 4
  order by 1, 2, 3, 4`;

/** Which events are one person's: nothing in it depends on what the person is called. */
async function people(dir: string): Promise<string[]> {
  const rows = await query(
    dir,
    "select person_id, source || '/' || event_type || '/' || cast(occurred_at as varchar) as event from events order by 2, 1",
  );
  const groups = new Map<string, string[]>();
  for (const [person, event] of rows)
    groups.set(String(person), [...(groups.get(String(person)) ?? []), String(event)]);
  return [...groups.values()].map((group) => group.join(' ')).sort();
}

/** Files in which a hash of the first key stands, Parquet and packed ones read. */
async function filesWithOldHashes(dir: string): Promise<string[]> {
  const secret = (await readFile(join(dir, '.percorso/identifier.key'), 'utf8')).split('\n')[0] ?? '';
  const old = createIdentifiers(Buffer.from(secret, 'hex'), 'IT');
  const hashes = Array.from({ length: 80 }, (_, n) => [
    old.hash('email', `customer${n}@esempio.it`),
    old.hash('phone', `+3933300000${String(n).padStart(2, '0')}`),
    old.hash('crm_id', `C-${n}`),
    old.hash('anonymous_id', `laptop-of-${n}`),
  ]).flat();
  const held: string[] = [];
  for await (const { path, text } of textsUnder(dir)) {
    if (hashes.some((hash) => text.includes(hash.slice(2)))) held.push(relative(dir, path));
  }
  return held;
}

let totals: unknown[];
let grouped: string[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'percorso-rotate-'));
  await ran(root, 'init', made());
  await writeFile(join(root, 'events.jsonl'), jsonLines(events()));
  await writeFile(
    join(root, 'bad.jsonl'),
    jsonLines([
      { event_type: 'X', occurred_at: 'never', source: 'web', identifiers: { email: 'customer1@esempio.it' } },
    ]),
  );
  await ran(made(), 'import', join(root, 'events.jsonl'));
  await run(made(), ['import', join(root, 'bad.jsonl')]);
  await ran(made(), 'unlink', 'customer3@esempio.it', 'crm_id:C-3');
  await ran(made(), 'build');
  await ran(made(), 'erase', 'customer7@esempio.it');
  totals = await query(made(), totalsSql);
  grouped = await people(made());
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function expectTheSame(dir: string): Promise<void> {
  expect(await query(dir, totalsSql)).toEqual(totals);
  expect(await people(dir)).toEqual(grouped);
  expect(await filesWithOldHashes(dir)).toEqual([]);
  // Files that come in again add nothing, though their events have no ids; and who was erased stays erased.
  await writeFile(join(root, 'again.jsonl'), jsonLines([...events()].reverse()));
  await ran(dir, 'import', join(root, 'again.jsonl'));
  await ran(dir, 'build');
  expect(await query(dir, totalsSql)).toEqual(totals);
  expect(await people(dir)).toEqual(grouped);
  const { stdout } = await ran(dir, '--json', 'doctor');
  expect(JSON.parse(stdout)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ subject: 'vault', says: expect.stringMatching(/^158 addresses/) }),
    ]),
  );
  const told = await ran(dir, '--json', 'explain', 'person', 'customer5@esempio.it');
  expect(JSON.parse(told.stdout)).toMatchObject({ person_id: expect.stringMatching(/^c:[0-9a-f]{32}$/) });
  const { stdout: refused } = await ran(dir, 'rejected', 'show');
  expect(refused).toContain('customer1@esempio.it');
}

test('after a change of the key the same events are one person’s, and every total is as it was', async () => {
  const dir = join(root, 'rotated');
  await cp(made(), dir, { recursive: true });
  expect((await filesWithOldHashes(dir)).length).toBeGreaterThan(5);
  const { stderr } = await ran(dir, 'rotate-key');
  expect(stderr).toContain('the key has 2 secrets now');
  expect((await stat(join(dir, '.percorso/identifier.key'))).mode & 0o777).toBe(0o600);
  await expectTheSame(dir);
  // Who is erased after it, is erased from all that came before it.
  await ran(dir, 'erase', 'customer9@esempio.it');
  const again = await run(dir, ['rotate-key']);
  expect(again.stderr).toContain('the key has 3 secrets now');
  expect(await query(dir, totalsSql)).toEqual(totals);
}, 180_000);

test('killed half way, it is ended by the next run; and by the next build as far as the lake goes', async () => {
  const dir = join(root, 'killed');
  await cp(made(), dir, { recursive: true });
  const { code } = await runProcess(['--dir', dir, 'rotate-key'], {
    killWhen: async () => (await filesUnder(join(dir, 'lake/raw'))).some((path) => path.includes('.k2.')),
  });
  expect(code).toBeNull();
  const other = join(root, 'built');
  await cp(dir, other, { recursive: true });
  await rm(join(other, '.percorso/locks'), { recursive: true, force: true });
  await ran(other, 'build');
  expect(await query(other, totalsSql)).toEqual(totals);
  const { stdout } = await run(other, ['--json', 'doctor']);
  expect(stdout).toContain('a change of it was cut off');
  for (const company of [dir, other]) {
    const ended = await ran(company, '--json', 'rotate-key');
    expect(JSON.parse(ended.stdout)).toMatchObject({ generation: 2, isResumed: true });
  }
  await expectTheSame(other);
  await expectTheSame(dir);
}, 180_000);
