import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMarts } from '#adapters/duckdb-marts';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createFolderStore } from '#adapters/folder-store';
import type { ConfigInput } from '#core/config';
import type { FilingWarehouse, MartReader, SqlValue, Store } from '#core/ports';
import { createAdmitter } from '#pipeline/arrivals/admit';
import { createRawWriter } from '#pipeline/arrivals/store';
import { type BuildOptions, type BuildResult, build } from '#pipeline/builds/build';
import { requireBuild } from '#pipeline/builds/publish';
import { type Company, loadCompany } from '#pipeline/company/company';
import { locateTables } from '#pipeline/reading/query';
import { type Arrival, modelCatalogue } from './company-on-duckdb.ts';

/** A company whose facts come in over several days, with builds in between, as they run at night. */
export interface CompanyByDays {
  company: Company;
  /** One import. */
  receive(events: readonly Arrival[]): Promise<void>;
  /** @param dieAt the write, of files and objects alike, at which the process dies. */
  build(now: string, options?: BuildOptions, dieAt?: number): Promise<BuildResult>;
  query(sql: string): Promise<Record<string, SqlValue>[]>;
  /** Answers as a reader of the published build does. */
  ask: MartReader['query'];
  close(): Promise<void>;
}

export const identifierKey = Buffer.alloc(32, 7);

/** @param like a company whose facts and builds this one begins with, as a copy of its own. */
export async function openCompanyByDays(
  config: Omit<ConfigInput, 'name'>,
  like?: CompanyByDays,
): Promise<CompanyByDays> {
  const dir = await mkdtemp(join(tmpdir(), 'percorso-days-'));
  await writeFile(join(dir, 'percorso.config.ts'), `export default ${JSON.stringify({ name: 'Proof', ...config })};\n`);
  const env = { PERCORSO_IDENTIFIER_KEY: identifierKey.toString('hex') };
  if (like !== undefined) await cp(like.company.paths.lake, join(dir, 'lake'), { recursive: true });
  const company = await loadCompany({ dir, env, openStore: createFolderStore });
  // Open until the next build: to open one takes longer than most questions.
  let reader: Promise<MartReader> | undefined;
  let before: Promise<unknown> = Promise.resolve();
  const closeReader = async () => {
    (await reader)?.close();
    reader = undefined;
  };
  const ask: MartReader['query'] = async (sql) => {
    reader ??= requireBuild(company.lake).then((build) => openMarts(locateTables(company.lake, build)));
    const marts = await reader;
    // A reader answers one question at a time.
    const answer = before.then(() => marts.query(sql));
    before = answer.catch(() => undefined);
    return answer;
  };
  return {
    company,
    ask,
    async receive(events) {
      const writer = createRawWriter(company.lake, { identifierKey });
      let receivedAt = new Date(0);
      const admitters = new Map(
        (['server', 'browser', 'file'] as const).map((trust) => [
          trust,
          createAdmitter({
            config: company.config,
            identifierKey,
            trust,
            receivedAt: () => receivedAt,
            hasRate: () => true,
          }),
        ]),
      );
      for (const { trust = 'server', received_at, stored, ...event } of events) {
        receivedAt = new Date(received_at ?? Date.parse(event.occurred_at) + 60_000);
        const admitted = admitters.get(trust)?.event(event);
        if (!admitted?.ok) throw new Error(`${event.event_id}: ${admitted?.reason}`);
        await writer.event({ ...admitted.value, ...stored });
      }
      await writer.flush();
    },
    async build(now, options = {}, dieAt = Number.POSITIVE_INFINITY) {
      await closeReader();
      const warehouse = await createDuckDbWarehouse({ threads: 1, memory: '1GB' });
      let left = dieAt;
      const live = () => {
        left -= 1;
        if (left < 0) throw new Error('died');
      };
      const lake: Store = {
        ...company.lake,
        async put(key, body) {
          live();
          await company.lake.put(key, body);
        },
      };
      const dying: FilingWarehouse = {
        ...warehouse,
        async unload(select, location) {
          live();
          return warehouse.unload(select, location);
        },
        unloadByMonth: (select, column, locate) =>
          warehouse.unloadByMonth(select, column, (part) => {
            if (part !== 'none') live();
            return locate(part);
          }),
      };
      try {
        const at = new Date(now);
        return await build({ ...company, lake }, await modelCatalogue(), dying, { now: () => at, ...options });
      } finally {
        await warehouse.close();
      }
    },
    async query(sql) {
      const { columns, rows } = await ask(sql);
      return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null])));
    },
    async close() {
      await closeReader();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
