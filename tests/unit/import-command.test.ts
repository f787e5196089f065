import { describe, expect, it } from 'vitest';
import type { FileSummary } from '#pipeline/imports/import';
import { describeAll } from '../../functions/cli/import.ts';
import { runCommand } from '../run-command.ts';
import { testCompany } from './import-company.ts';

async function command(...argv: string[]) {
  const company = await testCompany();
  await company.write(
    'percorso.config.ts',
    "import { defineConfig } from 'percorso';\nexport default defineConfig({ name: 'Test' });\n",
  );
  const line = (id: number, at = '2026-01-05T10:00:00Z') =>
    `${JSON.stringify({ event_type: 'Contact', occurred_at: at, source: 'calls', identifiers: { crm_id: `${id}` } })}\n`;
  await company.write('good.jsonl', line(1) + line(2));
  await company.write('half.jsonl', line(3) + line(4, 'soon'));
  await company.write('bad.bin', Buffer.from([0, 1, 2]));
  await company.write('table.csv', 'id,date,total\n1,2026-01-05,5.00\n');
  const { code, stdout, stderr } = await runCommand(['--dir', company.dir, ...argv], {
    cwd: company.dir,
    now: () => new Date('2026-03-10T08:00:00Z'),
  });
  return { code, out: stdout, err: stderr };
}

describe('percorso import', () => {
  it('says what became of each file and exits 0, also with single rows rejected', async () => {
    const { code, out, err } = await command('import', 'good.jsonl', 'half.jsonl');
    expect(code).toBe(0);
    expect(out).toBe('');
    expect(err).toContain('good.jsonl: read as canonical events\n  2 rows: 2 events taken\n');
    expect(err).toContain('  2 rows: 1 event taken, 1 rejected\n  rejected: line 2: occurred_at');
    expect(err).toContain('percorso rejected replay');
  });
  it('sums many files up by what read them, and tells of each that was not taken whole', () => {
    const file = (name: string, more: Partial<FileSummary> = {}): FileSummary => ({
      file: name,
      via: 'mapping:till.yaml',
      says: 'by the mapping till.yaml',
      rows: 1000,
      events: 1000,
      costs: 0,
      rejected: 0,
      reasons: [],
      leftOut: 0,
      alreadyThere: false,
      notes: [],
      ...more,
    });
    const plain = Array.from({ length: 13 }, (_, index) => file(`${index}.csv`));
    expect(describeAll(plain)).toBe('13 files read by the mapping till.yaml: 13,000 rows, 13,000 events\n');
    const told = describeAll([
      ...plain,
      file('half.csv', { rejected: 1, reasons: ['line 2: no date'] }),
      file('none.csv', { refused: { message: 'no header', mend: undefined } }),
      file('old.csv', { alreadyThere: true, notes: ['imported on 2026-01-01'] }),
    ]);
    expect(told).toContain('half.csv: read by the mapping till.yaml');
    expect(told).toContain('rejected: line 2: no date');
    expect(told).toContain('none.csv: refused\n  no header');
    expect(told).toContain('1 file imported before: nothing new');
  });
  it('exits 1 where a file was refused, with the reason and the mend', async () => {
    const { code, err } = await command('import', 'bad.bin', 'good.jsonl');
    expect(code).toBe(1);
    expect(err).toMatch(/bad\.bin: refused\n {2}bad\.bin is a binary file, not a table\n {2}mend: /);
    expect(err).toContain('2 events taken');
  });
  it('prints one JSON document on stdout with --json', async () => {
    const { out } = await command('--json', 'import', 'good.jsonl');
    expect(JSON.parse(out)).toMatchObject({ hasFailed: false, files: [{ file: 'good.jsonl', events: 2 }] });
  });
  it('drafts a mapping on stdout and imports nothing', async () => {
    const { code, out } = await command('import', '--suggest', 'table.csv');
    expect(code).toBe(0);
    expect(out).toMatch(/^# Drafted from table\.csv/);
  });
  it('is wrong use without a file, with one that is not there, or with options that exclude each other', async () => {
    expect((await command('import')).code).toBe(2);
    expect((await command('import', 'nowhere.csv')).code).toBe(2);
    expect((await command('import', 'good.jsonl', '--mapping', 'a', '--as', 'b')).code).toBe(2);
    expect((await command('import', 'good.jsonl', '--currency', 'euro')).code).toBe(2);
  });
});
