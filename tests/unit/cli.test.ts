import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createFolderStore } from '#adapters/folder-store';
import { createProgress, formatError, formatTable } from '#cli/output';
import { PercorsoError } from '#core/errors';
import { publishManifest } from '#pipeline/builds/publish';
import { runCommand } from '../run-command.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-cli-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const percorso = (...argv: string[]) => runCommand(argv, { cwd: dir, now: () => new Date('2026-02-01T12:00:00Z') });

describe('the command line', () => {
  test('helps, and ends with 0', async () => {
    const { code, stdout } = await percorso('--help');
    expect(code).toBe(0);
    for (const command of ['init', 'build', 'query', 'export', 'nightly', 'doctor'])
      expect(stdout).toContain(`  ${command} `);
  });

  test.each([
    ['an unknown command', ['bild']],
    ['an unknown option', ['build', '--fast']],
    ['a missing argument', ['query']],
    ['a format that there is none', ['query', 'select 1', '--format', 'xml']],
    ['a folder without a company', ['build']],
  ])('%s is wrong use: 2, with the mend, nothing on stdout', async (_, argv) => {
    const { code, stdout, stderr } = await percorso(...argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/mend:|--help/);
  });

  test('init makes a configuration that loads, and folders; a folder that is not empty it leaves alone', async () => {
    expect((await percorso('init', 'acme')).code).toBe(0);
    const query = await percorso('--dir', 'acme', 'query', 'select 1');
    expect(query.stderr).toContain('nothing has been built yet');
    expect((await percorso('init', 'acme')).code).toBe(2);
  });

  test('a setting that does not exist is met with the nearest one', async () => {
    await percorso('init', 'acme');
    const { code, stderr } = await percorso('--dir', 'acme', '--set', 'attribution.lookbackDay=30', 'build', '--plan');
    expect(code).toBe(2);
    expect(stderr).toContain('did you mean attribution.lookbackDays?');
  });

  test('build --plan prints the statements of a company without data, and runs none', async () => {
    await percorso('init', 'acme');
    const { code, stdout } = await percorso('--dir', 'acme', 'build', '--plan', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ kind: 'model', table: 'event_once' }));
    expect((await percorso('--dir', 'acme', 'query', 'select 1')).code).toBe(2);
  });

  test('build --plan --engine athena prints every statement as Athena runs it, for a company that says how it runs on AWS', async () => {
    await percorso('init', 'acme');
    const plan = ['--dir', 'acme', 'build', '--plan', '--engine', 'athena'];
    expect((await percorso(...plan)).stderr).toContain('does not say how the company runs on AWS');
    expect((await percorso('--dir', 'acme', 'build', '--engine', 'athena')).stderr).toContain('add --plan');
    const { code, stdout } = await percorso('--set', 'aws.id=acme', ...plan);
    expect(code).toBe(0);
    for (const text of [
      'create table "costs"',
      'create or replace view "raw_events"',
      "table_type = 'ICEBERG', is_external = false, location = 's3://acme-prod-results-ACCOUNT/tables/",
      `cast("occurred_at" at time zone 'UTC' as timestamp(6)) as "occurred_at"`,
      `with "orders" as (select `,
      'make identity_labels (solver)',
      "partitioned_by = array['month_']",
      "to 's3://acme-prod-lake-ACCOUNT/marts/builds/",
      'drop database if exists `acme_prod_run_',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  test('--on trino wants the setting, and a command that runs there', async () => {
    await percorso('init', 'acme');
    const on = ['--dir', 'acme', '--on', 'trino'];
    const unset = await percorso(...on, 'build');
    expect(unset).toMatchObject({ code: 2 });
    expect(unset.stderr).toContain('does not say which Trino the company has');
    expect(unset.stderr).toContain("trino: { url: 'https://trino.acme.it', bucket: 'acme-lake' }");
    expect((await percorso(...on, 'doctor')).stdout).toContain('does not run on Trino');
    expect((await percorso('--dir', 'acme', '--on', 'mars', 'build')).stderr).toContain('--on trino');
  });

  test('a day that is none is refused', async () => {
    await percorso('init', 'acme');
    expect((await percorso('--dir', 'acme', 'build', '--as-of', '2026-02-30')).stderr).toContain('not a day');
  });

  test('doctor says what is wrong in a folder without a company, and ends with 1', async () => {
    const { code, stdout } = await percorso('doctor', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({
        subject: 'configuration',
        state: 'wrong',
        mend: expect.stringContaining('percorso init'),
      }),
    );
  });
});

describe('what is published', () => {
  const formula = '=HYPERLINK("http://evil.example")';
  beforeEach(async () => {
    await writeFile(join(dir, 'percorso.config.ts'), "export default { name: 'Acme' };\n");
    const store = createFolderStore(join(dir, 'lake'));
    const key = 'marts/builds/1/campaigns/all.parquet';
    await mkdir(join(dir, 'lake/marts/builds/1/campaigns'), { recursive: true });
    const warehouse = await createDuckDbWarehouse();
    await warehouse.unload(
      `select '${formula}' as campaign, cast(-12.5 as decimal(18,2)) as margin, cast(3 as bigint) as orders, date '2026-01-05' as day, timestamptz '2026-01-05 10:00:00Z' as seen_at`,
      store.locate(key),
    );
    await warehouse.close();
    await publishManifest(store, {
      build_id: '1',
      built_at: '2026-02-01T03:00:00Z',
      as_of: '2026-01-31',
      company: 'Acme',
      settings_overridden: {},
      tables: { campaigns: { rows: 1, columns: [], files: [{ partition: '', key, rows: 1 }] } },
      checks: [],
    });
  });

  test('can be queried as a table, as CSV and as JSON, money exact', async () => {
    expect((await percorso('query', 'select margin, orders from campaigns')).stdout).toBe(
      'margin  orders\n------  ------\n-12.50       3\n',
    );
    expect((await percorso('query', 'select margin, orders from campaigns', '--format', 'csv')).stdout).toBe(
      'margin,orders\r\n-12.50,3\r\n',
    );
    const { stdout } = await percorso('query', 'select * from campaigns', '--json');
    expect(JSON.parse(stdout)).toEqual([
      { campaign: formula, margin: '-12.50', orders: 3, day: '2026-01-05', seen_at: '2026-01-05T10:00:00.000Z' },
    ]);
  });

  test('a query that fails says so without a stack trace, and with one under --debug', async () => {
    const { code, stderr } = await percorso('query', 'select nothing from campaigns');
    expect(code).toBe(2);
    expect(stderr).toContain('nothing');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect((await percorso('--debug', 'query', 'select nothing from campaigns')).stderr).toMatch(/\n\s+at /);
  });

  test('is exported as CSV and XLSX with formulas made harmless', async () => {
    expect((await percorso('export', 'campaigns', 'out.csv')).code).toBe(0);
    expect(await readFile(join(dir, 'out.csv'), 'utf8')).toContain(
      `"'=HYPERLINK(""http://evil.example"")",-12.50,3,2026-01-05`,
    );
    expect((await percorso('export', 'campaigns', 'out.xlsx')).code).toBe(0);
    const files = unzipSync(await readFile(join(dir, 'out.xlsx')));
    const text = Object.entries(files)
      .filter(([name]) => name.endsWith('.xml'))
      .map(([, bytes]) => strFromU8(bytes))
      .join();
    expect(text).toMatch(/(&apos;|&#39;|')=HYPERLINK/);
    expect(text).not.toContain('<f>');
    expect(text).toContain('<v>-12.5</v>');
  });

  test('is exported as Parquet as it is', async () => {
    expect((await percorso('export', 'campaigns', 'out.parquet')).code).toBe(0);
    const warehouse = await createDuckDbWarehouse();
    expect(await warehouse.query(`select campaign, margin from read_parquet('${join(dir, 'out.parquet')}')`)).toEqual([
      { campaign: formula, margin: '-12.50' },
    ]);
    await warehouse.close();
  });

  test('another ending or another table is refused with the mend', async () => {
    expect((await percorso('export', 'campaigns', 'out.doc')).stderr).toContain('.csv, .parquet or .xlsx');
    expect((await percorso('export', 'campaings', 'out.csv')).stderr).toContain('did you mean campaigns?');
  });

  test('doctor tells the age of the last build', async () => {
    const { stdout } = await percorso('doctor');
    expect(stdout).toMatch(/ok {7}last build: 2026-02-01T03:00:00Z, figures up to 2026-01-31/);
  });
});

describe('output', () => {
  test('progress is redrawn on a terminal, and a plain line now and then elsewhere', () => {
    const lines: string[] = [];
    let ms = 0;
    const now = () => new Date(ms);
    const plain = createProgress('build', (text) => lines.push(text), false, now);
    plain.update('1 of 3');
    ms = 20_000;
    plain.update('2 of 3');
    ms = 21_500;
    plain.done('3 tables');
    expect(lines).toEqual(['build: 2 of 3\n', 'build: 3 tables (21.5 s)\n']);
    const drawn: string[] = [];
    createProgress('build', (text) => drawn.push(text), true, now).update('1 of 3');
    expect(drawn.join('')).toContain('\r\u001b[2Kbuild: 1 of 3');
  });

  test('an error of ours says its mend; an unknown one says how to see more', () => {
    expect(formatError(new PercorsoError('no rate', { mend: 'add it' }), false)).toBe(
      'error: no rate\n  mend: add it\n',
    );
    expect(formatError(new TypeError('x is not a function'), false)).toContain('--debug');
  });

  test('numbers stand to the right, words to the left', () => {
    expect(
      formatTable(
        ['name', 'n'],
        [
          ['a', '10'],
          ['bcdef', '9'],
        ],
      ),
    ).toBe('name    n\n-----  --\na      10\nbcdef   9\n');
  });
});
