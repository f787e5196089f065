import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import type { QueryReferences, ReadQuery } from '#core/model-graph';

const references = z.object({ tables: z.array(z.string()), functions: z.array(z.string()) });
const parsedQuery = references.extend({
  errors: z.array(z.object({ line: z.number(), column: z.number(), message: z.string() })),
});
const grammarModule = z.object({ readQuery: z.function({ input: [z.string()], output: parsedQuery }) });

/**
 * Reads the tables and functions of a SELECT with a Trino grammar. Results are kept by the hash of the text, so that
 * a build parses only what has changed; the grammar itself is bundled once, on first need.
 */
export async function createQueryReader(): Promise<ReadQuery> {
  const folder = await cacheFolder();
  const grammarSource = fileURLToPath(new URL('./trino-grammar.ts', import.meta.url));
  const version = hash(`${await readFile(grammarSource, 'utf8')}${await parserVersion()}`).slice(0, 16);
  const index = join(folder, `queries-${version}.json`);
  const known = await readIndex(index);
  let parse: ((sql: string) => z.output<typeof parsedQuery>) | undefined;
  return async (sql, file) => {
    const key = hash(sql);
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    parse ??= await loadGrammar(grammarSource, join(folder, `trino-grammar-${version}.mjs`));
    const parsed = parse(sql);
    const error = parsed.errors[0];
    if (error !== undefined) {
      throw new PercorsoError(`${file}, line ${error.line}, column ${error.column}: ${error.message}`, {
        mend: 'write it in the Trino SQL that both engines agree on (sql/dialect)',
      });
    }
    const found = { tables: parsed.tables, functions: parsed.functions };
    known.set(key, found);
    await writeWhole(index, JSON.stringify(Object.fromEntries(known)));
    return found;
  };
}

async function loadGrammar(source: string, bundle: string): Promise<(sql: string) => z.output<typeof parsedQuery>> {
  if (!(await exists(bundle))) {
    const { build } = await import('esbuild');
    const result = await build({
      entryPoints: [source],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'silent',
    });
    await writeWhole(bundle, result.outputFiles[0]?.text ?? '');
  }
  return grammarModule.parse(await import(pathToFileURL(bundle).href)).readQuery;
}

async function parserVersion(): Promise<string> {
  const file = new URL('../../node_modules/dt-sql-parser/package.json', import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(await readFile(file, 'utf8'))).version;
}

/** Beside the installed packages, or in the system's folder for temporary files where these are read-only. */
async function cacheFolder(): Promise<string> {
  const folder = fileURLToPath(new URL('../../node_modules/.cache/percorso', import.meta.url));
  try {
    await mkdir(folder, { recursive: true });
    return folder;
  } catch {
    const elsewhere = join(tmpdir(), 'percorso-cache');
    await mkdir(elsewhere, { recursive: true });
    return elsewhere;
  }
}

async function readIndex(file: string): Promise<Map<string, QueryReferences>> {
  try {
    const index = z.record(z.string(), references).parse(JSON.parse(await readFile(file, 'utf8')));
    return new Map(Object.entries(index));
  } catch {
    // Absent, or cut off by a kill: it is made again.
    return new Map();
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, text);
  await rename(draft, file);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
