import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll } from 'vitest';
import * as z from 'zod';
import { createFolderStore } from '#adapters/folder-store';
import { type ConfigInput, configSchema } from '#core/config';
import type { StoredCost } from '#core/cost';
import type { StoredEvent } from '#core/event';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { type CompanyLists, emptyLists } from '#core/setting-tables';
import type { Company } from '#pipeline/company/company';
import { type ImportCompany, type ImportOptions, type ImportResult, importFiles } from '#pipeline/imports/import';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

export interface TestCompany extends ImportCompany {
  dir: string;
  paths: Company['paths'];
  /** Writes a file of the company's folder; resolves to its path. */
  write(name: string, content: string | Uint8Array): Promise<string>;
  import(files: string[], options?: Partial<ImportOptions>): Promise<ImportResult>;
  events(): Promise<StoredEvent[]>;
  costs(): Promise<StoredCost[]>;
  /** Keys of all raw objects. */
  rawKeys(): Promise<string[]>;
}

async function lines(lake: Store, prefix: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const key of await lake.list(prefix)) {
    const body = await lake.get(key);
    const text = gunzipSync(body ?? new Uint8Array()).toString('utf8');
    for (const line of text.split('\n')) if (line !== '') found.push(JSON.parse(line));
  }
  return found;
}

// What the writer wrote is what these types say: the schemas of the door are tested where it is.
const events = z.custom<StoredEvent[]>(Array.isArray);
const costs = z.custom<StoredCost[]>(Array.isArray);

export const importedAt = new Date('2026-03-10T08:00:00Z');

/** A company in a folder of its own, with a real lake, for tests of files. */
export async function testCompany(
  config: Omit<ConfigInput, 'name'> = {},
  lists: Partial<CompanyLists> = {},
): Promise<TestCompany> {
  const dir = await mkdtemp(join(tmpdir(), 'percorso-import-'));
  folders.push(dir);
  const lake = createFolderStore(join(dir, 'lake'));
  const at = (name: string) => join(dir, name);
  const company: ImportCompany & Pick<Company, 'paths'> = {
    config: configSchema.parse({ name: 'Test', ...config }),
    lists: { ...emptyLists, ...lists },
    lake,
    paths: {
      lake: at('lake'),
      mappings: at('mappings'),
      landing: at('landing'),
      state: at('.percorso'),
      spool: at('.percorso/spool'),
      work: at('.percorso/work'),
      locks: at('.percorso/locks'),
      site: at('.percorso/site'),
    },
    identifierKey: async () => Buffer.alloc(32, 7),
    sealAddress: async () => undefined,
  };
  let clock = importedAt.getTime();
  const now = () => {
    clock += 1000;
    return new Date(clock);
  };
  return {
    ...company,
    dir,
    async write(name, content) {
      await mkdir(dirname(at(name)), { recursive: true });
      await writeFile(at(name), content);
      return at(name);
    },
    import: (files, options = {}) => importFiles(company, files, { cwd: dir, now, ...options }),
    events: async () => events.parse(await lines(lake, places.rawEvents)),
    costs: async () => costs.parse(await lines(lake, places.rawCosts)),
    rawKeys: async () => [...(await lake.list(places.rawEvents)), ...(await lake.list(places.rawCosts))],
  };
}

/** A company with the mappings of one of the examples. */
export async function exampleCompany(name: string, config: Omit<ConfigInput, 'name'>, mappings: string[]) {
  const company = await testCompany(config);
  for (const mapping of mappings) {
    const text = await readFile(join(import.meta.dirname, '../../examples', name, 'mappings', mapping), 'utf8');
    await company.write(`mappings/${mapping}`, text);
  }
  return company;
}
