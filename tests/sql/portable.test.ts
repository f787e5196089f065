import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createQueryReader } from '#adapters/trino-reader';

const sql = fileURLToPath(new URL('../../sql', import.meta.url));
const folders = ['models', 'checks'];
const files = (
  await Promise.all(
    folders.map((folder) => readdir(join(sql, folder), { recursive: true, withFileTypes: true }).catch(() => [])),
  )
)
  .flat()
  .filter((entry) => entry.isFile() && entry.name.endsWith('.sql'))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();

const read = await createQueryReader();
const proved = new Set<string>();
for (const line of (await readFile(new URL('./dialect-cases.jsonl', import.meta.url), 'utf8')).trim().split('\n')) {
  const { sql: statement, id } = JSON.parse(line);
  for (const name of (await read(statement, id)).functions) proved.add(name);
}

describe('every model and check', () => {
  test.each(files.map((file) => relative(sql, file)))(
    '%s is Trino SQL of functions that are proved on both engines',
    async (file) => {
      const text = await readFile(join(sql, file), 'utf8');
      const { functions } = await read(text, file);
      const unproved = functions.filter((name) => !proved.has(name));
      expect(
        unproved,
        'bring cases of these into tests/sql/dialect-cases.jsonl, with the answers of a real Trino',
      ).toEqual([]);
    },
  );

  test.each(files.map((file) => relative(sql, file)))(
    '%s names the time zone only where the builder fills it in',
    async (file) => {
      const text = await readFile(join(sql, file), 'utf8');
      const bare = text.split('\n').filter((line) => /'Europe\/[A-Za-z]+'(?! \/\* time zone \*\/)/.test(line));
      expect(bare).toEqual([]);
    },
  );
});

test('a table of a common table expression is no input, also where it has the name of a table', async () => {
  const { tables } = await read('with events as (select * from events) select * from events, other', 'x.sql');
  expect(tables).toEqual(['events', 'other']);
  const inner = await read('with a as (select * from b), b as (select * from a) select * from b', 'x.sql');
  expect(inner.tables).toEqual(['b']);
});

test('what is not Trino SQL is named by file, line and column', async () => {
  await expect(read('select a\nfrom b\nwher c', 'models/x.sql')).rejects.toThrow(/models\/x\.sql, line 3, column \d+/);
});
