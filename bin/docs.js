#!/usr/bin/env node
// Writes docs/tables.md from the headers of the models. `--check` writes nothing and fails where it is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { register } from 'tsx/esm/api';

register();
const { createQueryReader } = await import('../functions/adapters/trino-reader.ts');
const { readCatalogue } = await import('../functions/pipeline/builds/catalogue.ts');
const { tablesDocument } = await import('../functions/pipeline/site/table-docs.ts');

const file = new URL('../docs/tables.md', import.meta.url);
const wanted = tablesDocument(await readCatalogue(await createQueryReader()));
if (process.argv.includes('--check')) {
  if ((await readFile(file, 'utf8').catch(() => '')) !== wanted) {
    console.error('docs/tables.md is out of date; run `npm run docs`');
    process.exitCode = 1;
  }
} else {
  await writeFile(file, wanted);
}
