import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as z from 'zod';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { listRejected, rejectedId, replayRejected, showRejected } from '#pipeline/arrivals/rejected';
import { mendedOriginal } from '#pipeline/arrivals/rejected-row';
import { fileReplayers } from '#pipeline/imports/file-replay';
import { runCommand } from '../run-command.ts';
import { testCompany } from './import-company.ts';

let dir: string;
let out: string;
let notes: string;

async function percorso(...argv: string[]): Promise<number> {
  const now = () => new Date('2026-01-10T12:00:00Z');
  const { code, stdout, stderr } = await runCommand(['--dir', dir, ...argv], { cwd: dir, now });
  out = stdout;
  notes = stderr;
  return code;
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-mend-'));
  await writeFile(join(dir, 'percorso.config.ts'), "export default { name: 'Test' };\n");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const mapping = `source: till
events:
  - event_type: Order Completed
    occurred_at: { column: Day }
    identifiers: { loyalty_card: '{Card}' }
    value: { revenue: { column: Total, decimal: '.' }, currency: EUR }
`;
const editable = z.object({ rejected: z.string(), record: z.record(z.string(), z.string()), reason: z.string() });

it('takes a record that a person mended, once, whatever is done twice', async () => {
  await writeFile(join(dir, 'till.yaml'), mapping);
  // The mended row equals another one of its file: they are two orders all the same.
  await writeFile(join(dir, 'a.csv'), 'Day,Card,Total\n2026-01-05,T-1,5.00\n2026-01-05,T-1,five\n2026-01-06,T-2,six\n');
  expect(await percorso('import', 'a.csv', '--mapping', 'till.yaml')).toBe(0);
  expect(await percorso('rejected', 'show', '--editable')).toBe(0);
  const lines = out.trim().split('\n');
  expect(lines.length).toBe(2);
  const first = editable.parse(JSON.parse(lines[0] ?? ''));
  expect(first).toMatchObject({ reason: 'wrong-number', record: { Day: '2026-01-05', Card: 'T-1', Total: 'five' } });
  await writeFile(join(dir, 'mended.jsonl'), `${(lines[0] ?? '').replace('"five"', '"5.00"')}\n`);

  expect(await percorso('--json', 'rejected', 'replay', '--file', 'mended.jsonl')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ taken: 1, events: 1, refused: 0 });
  expect(await percorso('--json', 'rejected', 'replay', '--file', 'mended.jsonl')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ taken: 0, events: 0, refused: 0 });
  expect(notes).toContain('1 of the file is no longer among the refused');
  // What was not in the file still waits.
  expect(await percorso('--json', 'rejected')).toBe(0);
  expect(JSON.parse(out)).toMatchObject([{ source: 'till', reason: 'wrong-number', records: 1 }]);
  expect(await percorso('build')).toBe(0);
  expect(await percorso('query', 'select sum(revenue), count(*) from conversions', '--format', 'csv')).toBe(0);
  expect(out).toContain('10.00,2');
}, 60_000);

it('says which line of the file is no record, and that there is no such file', async () => {
  await writeFile(join(dir, 'mended.jsonl'), '{"record":{}}\n');
  expect(await percorso('rejected', 'replay', '--file', 'mended.jsonl')).toBe(2);
  expect(notes).toContain('mended.jsonl, line 1');
  expect(await percorso('rejected', 'replay', '--file', 'none.jsonl')).toBe(2);
});

it('mends a row that had too many columns, by the names that it ought to have', async () => {
  const company = await testCompany();
  await company.write('mappings/till.yaml', mapping);
  const path = await company.write('a.csv', 'Day,Card,Total\n2026-01-05,T-1,5.00\n2026-01-06,T,2,6.00\n');
  await company.import([path], { mapping: 'till' });
  const key = await company.identifierKey();
  const [shown] = await showRejected(company.lake, key, {}, 1);
  if (shown === undefined) throw new Error('nothing was refused');
  const id = rejectedId(key, shown.record, shown.original);
  const mend = (original: Buffer) => mendedOriginal(original, { Day: '2026-01-06', Card: 'T,2', Total: '6.00' }, id);
  const counts = await replayRejected(company.lake, key, await fileReplayers(company), {}, new Map([[id, mend]]));
  expect(counts).toMatchObject({ taken: 1, events: 1 });
  expect((await company.events()).map(({ value }) => value?.revenue).sort()).toEqual(['5.00', '6.00']);
});

/** A store that fails from its nth write on, as a killed process does. */
function dying(lake: Store, writes: number): Store {
  let left = writes;
  const spend = async () => {
    left -= 1;
    if (left < 0) throw new Error('killed');
  };
  return {
    ...lake,
    put: async (key, body) => spend().then(() => lake.put(key, body)),
    putIfAbsent: async (key, body) => spend().then(() => lake.putIfAbsent(key, body)),
    remove: async (key) => spend().then(() => lake.remove(key)),
  };
}

const costMapping = `source: ads
costs:
  - cost_date: { column: Day }
    campaign_id: '{Campaign}'
    spend: { column: Spend, decimal: '.' }
    currency: '{Currency}'
    channel: { column: Kind, map: { a: Paid Search } }
`;

it.each([0, 1, 2, 3, 4, 5, 6])(
  'counts replayed costs once after a kill at write %i, also where the mend goes on between',
  async (writes) => {
    const company = await testCompany();
    await company.write('mappings/ads.yaml', costMapping);
    const rows =
      'Day,Campaign,Spend,Currency,Kind\n2026-01-05,1,1.00,EUR,a\n2026-01-05,2,2.00,EUR,b\n2026-01-05,3,4.00,EUR,c\n2026-01-05,4,8.00,EUR,d\n';
    await company.import([await company.write('a.csv', rows)], { mapping: 'ads' });
    const key = await company.identifierKey();
    await company.write('mappings/ads.yaml', costMapping.replace('a: Paid Search', 'a: Paid Search, b: Display'));
    await replayRejected(dying(company.lake, writes), key, await fileReplayers(company)).catch(() => undefined);
    await company.write(
      'mappings/ads.yaml',
      costMapping.replace('a: Paid Search', 'a: Paid Search, b: Paid Video, c: Display'),
    );
    await replayRejected(company.lake, key, await fileReplayers(company));
    await replayRejected(company.lake, key, await fileReplayers(company));
    const costs = await company.costs();
    expect(costs.map(({ campaign_id }) => campaign_id).sort()).toEqual(['1', '2', '3']);
    expect(new Set(costs.map(({ import_id }) => import_id)).size).toBe(1);
    expect((await listRejected(company.lake)).map(({ records }) => records)).toEqual([1]);
    expect(await company.lake.list(`${places.imports}replays/`)).toEqual([]);
  },
);
