import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileConnector } from '#connectors/file-connector';
import { configSchema } from '#core/config';
import { fileContents } from '#pipeline/imports/file-bytes';
import { rowsOf } from '#pipeline/imports/import';
import { findReading, type ReadingRequest } from '#pipeline/imports/import-reading';

/** What a connector makes of one file: canonical records, before the door has seen them. */
export interface CanonicalFile {
  says: string;
  notes: string[];
  leftOut: number;
  problems: string[];
  events: unknown[];
  costs: unknown[];
}

export async function canonicalOf(
  path: string,
  connectors: readonly FileConnector[],
  request: Partial<ReadingRequest> = {},
): Promise<CanonicalFile> {
  const [content] = await fileContents(path);
  if (content === undefined) throw new Error(`${path} holds nothing`);
  const reading = await findReading(content, {
    mapping: undefined,
    mappings: [],
    connector: undefined,
    connectors,
    source: 'fixture',
    currency: undefined,
    company: configSchema.parse({ name: 'Fixtures' }),
    ...request,
  });
  const seen = { notes: [...reading.notes], leftOut: 0 };
  const file: CanonicalFile = {
    says: reading.says,
    notes: seen.notes,
    leftOut: 0,
    problems: [],
    events: [],
    costs: [],
  };
  for await (const batch of rowsOf(reading, seen)) {
    for (const row of batch) {
      const read = row.kind === 'problem' ? { kind: 'problem' as const, problem: row.problem } : reading.read(row);
      if (read.kind === 'left-out') seen.leftOut += 1;
      else if (read.kind === 'problem')
        file.problems.push(`line ${row.line}: ${read.problem.reason}: ${read.problem.message}`);
      else {
        file.events.push(...read.events);
        file.costs.push(...read.costs);
      }
    }
  }
  return { ...file, leftOut: seen.leftOut };
}

/** The folders of fixtures, one a connector, with what each of their files should become. */
export async function fixturesIn(
  folder: string,
): Promise<{ name: string; files: { name: string; path: string }[]; expected: Record<string, unknown> }[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => {
      const files = (await readdir(join(folder, name))).filter((file) => file !== 'expected.json').sort();
      const expected: unknown = JSON.parse(await readFile(join(folder, name, 'expected.json'), 'utf8'));
      return {
        name,
        files: files.map((file) => ({ name: file, path: join(folder, name, file) })),
        expected: Object.fromEntries(Object.entries(typeof expected === 'object' && expected !== null ? expected : {})),
      };
    }),
  );
}
