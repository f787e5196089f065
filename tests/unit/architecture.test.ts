import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../functions', import.meta.url));
const files = (await readdir(root, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .sort();
const sources = await Promise.all(
  files.map(async (file) => ({ file, room: file.split('/')[0] ?? '', text: await readFile(join(root, file), 'utf8') })),
);

/** Which rooms a room may import from: imports point one way. */
const mayImport: Record<string, string[]> = {
  core: ['core'],
  connectors: ['core', 'connectors'],
  solvers: ['core', 'solvers'],
  adapters: ['core', 'adapters'],
  pipeline: ['core', 'connectors', 'solvers', 'pipeline'],
  handlers: ['core', 'connectors', 'pipeline', 'adapters', 'handlers'],
  cli: ['core', 'pipeline', 'connectors', 'solvers', 'adapters', 'handlers', 'cli'],
};

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '');
}

describe('imports point one way', () => {
  test.each(sources)('$file', ({ file, room, text }) => {
    const allowed = mayImport[room];
    expect(allowed, `${file} stands in no known room`).toBeDefined();
    const wrong = importsOf(text).filter((name) => {
      if (name.startsWith('#')) return !allowed?.includes(name.slice(1).split('/')[0] ?? '');
      return name.startsWith('..') && relative(root, join(root, file, '..', name)).split('/')[0] !== room;
    });
    expect(wrong).toEqual([]);
  });
});

/** A customer's Parquet file is read by a library's work: this file asks it for rows, never for SQL of a model. */
const engineOfFiles: Record<string, string> = { 'pipeline/imports/table-file.ts': '@duckdb/node-api' };

/** Programs that these files start need the whole environment of ours; settings never come from it. */
const handsOnEnvironment = ['pipeline/site/dashboards.ts'];

describe('what a room may know', () => {
  test.each(sources.filter(({ room }) => ['core', 'pipeline', 'solvers', 'connectors'].includes(room)))(
    '$file asks for no engine, cloud or environment by name',
    ({ file, text }) => {
      const packages = importsOf(text).filter(
        (name) => /^(@duckdb|@aws-sdk|hono|nodemailer|commander)/.test(name) && engineOfFiles[file] !== name,
      );
      expect(packages, file).toEqual([]);
      expect(
        /process\.env/.test(text) && !handsOnEnvironment.includes(file),
        `${file} reads the environment; let it come in as an argument`,
      ).toBe(false);
    },
  );

  test.each(sources)('$file is called in kebab-case, by a noun of the domain', ({ file }) => {
    expect(basename(file)).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/);
    expect(basename(file)).not.toMatch(/^(utils?|helpers?|common|manager|misc)\.ts$/);
  });

  test.each(sources.filter(({ text }) => /^\s*(export )?(abstract )?class /m.test(text)))(
    '$file has classes for errors only',
    ({ text }) => {
      const classes = [...text.matchAll(/^\s*(?:export )?(?:abstract )?class (\w+(?: extends \w+)?)/gm)];
      expect(classes.map((match) => match[1]).filter((name) => !/ extends \w*Error$/.test(name ?? ''))).toEqual([]);
    },
  );
});
