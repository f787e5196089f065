import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createQueryReader } from '#adapters/trino-reader';
import { readCatalogue } from '#pipeline/builds/catalogue';
import { tablesDocument } from '#pipeline/site/table-docs';

test('docs/tables.md is what the headers of the models say (else run `npm run docs`)', async () => {
  const wanted = tablesDocument(await readCatalogue(await createQueryReader()));
  const written = await readFile(new URL('../../docs/tables.md', import.meta.url), 'utf8');
  expect(written).toBe(wanted);
});
