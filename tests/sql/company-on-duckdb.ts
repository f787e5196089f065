import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createFolderStore } from '#adapters/folder-store';
import { createQueryReader } from '#adapters/trino-reader';
import { type ConfigInput, configSchema } from '#core/config';
import type { CostInput } from '#core/cost';
import type { EventInput, StoredEvent } from '#core/event';
import { createRateCheck } from '#core/fx-rates';
import { createIdentifiers } from '#core/identifiers';
import type { RejectedRecord } from '#core/lake';
import { hashOfIdentifier } from '#core/named-identifier';
import type { SqlValue, Warehouse } from '#core/ports';
import { createReportingDay } from '#core/reporting-day';
import { type CompanyLists, emptyLists, settingTables } from '#core/setting-tables';
import { createAdmitter } from '#pipeline/arrivals/admit';
import { createRawWriter } from '#pipeline/arrivals/store';
import { createEarlierTable } from '#pipeline/builds/build';
import { type Catalogue, isSqlModel, readCatalogue } from '#pipeline/builds/catalogue';
import { planBuild } from '#pipeline/builds/plan';
import { unlink } from '#pipeline/people/unlinks';

/** A canonical event as it goes in, with what the door knows of it beside what it says. */
export type Arrival = EventInput & {
  /** Who said it; `server` where absent. */
  trust?: StoredEvent['trust'];
  /** When it came in; one minute after it occurred where absent. */
  received_at?: string;
  /** Fields of the stored event beside what the door makes of it. */
  stored?: Partial<StoredEvent>;
};

/** One import of costs: a set of each source, account and day that it names. */
export interface CostImport {
  id: string;
  received_at: string;
  rows: readonly CostInput[];
}

export interface CompanyInput {
  events?: readonly Arrival[];
  /** Costs of one import, or several imports. */
  costs?: readonly CostInput[] | readonly CostImport[];
  rejected?: readonly Pick<RejectedRecord, 'source' | 'reason' | 'message' | 'rejected_at'>[];
  /** Pairs of identifiers whose link is taken out, as `percorso unlink` takes them. */
  unlinks?: readonly [string, string][];
  lists?: Partial<CompanyLists>;
  config?: Omit<ConfigInput, 'name'>;
  /** The instant of the build; 2026-07-01 10:00 UTC where absent. */
  now?: string;
  asOf?: string;
  /** Only these models and what they are made of, as `percorso build --select`; all where absent. */
  select?: string;
  /** The models to build; those of the product where absent. */
  catalogue?: Catalogue;
  /** Records in one raw object; all in one where absent. */
  recordsPerObject?: number;
}

export interface BuiltCompany {
  warehouse: Warehouse;
  /** Rows of any table of the build: nothing is dropped. */
  query(sql: string): Promise<Record<string, SqlValue>[]>;
  /** The same rows as texts, `null` for nothing, columns apart by a blank: short to write down by hand. */
  lines(sql: string): Promise<string[]>;
  /** Names of the checks that found rows, by severity. */
  failing: { error: string[]; warn: string[] };
  /** Records that the door refused, with its reasons. */
  refused: string[];
  /** Tables that the build publishes, with their columns. */
  published: Map<string, string[]>;
  close(): Promise<void>;
}

const identifierKey = Buffer.alloc(32, 7);
const publishable = /^(varchar|bigint|double|boolean|date|timestamptz|decimal\(18,[26]\))$/;

let catalogue: Promise<Catalogue> | undefined;

/** The models, checks and seeds, read once for a test file. */
export function modelCatalogue(): Promise<Catalogue> {
  catalogue ??= createQueryReader().then((read) => readCatalogue(read));
  return catalogue;
}

function isImport(cost: CostInput | CostImport): cost is CostImport {
  return 'rows' in cost;
}

/**
 * Builds a small company from canonical inputs: the door, the raw objects and every step of a build's plan but publishing,
 * on DuckDB in memory. The tables stay, for `query`.
 * @throws Error where a model publishes other columns than its header promises.
 */
export async function buildCompany(input: CompanyInput): Promise<BuiltCompany> {
  const config = configSchema.parse({ name: 'Proof', ...input.config });
  const lists = { ...emptyLists, ...input.lists };
  const now = new Date(input.now ?? '2026-07-01T10:00:00Z');
  const dir = await mkdtemp(join(tmpdir(), 'percorso-proof-'));
  const warehouse = await createDuckDbWarehouse({ threads: 1, memory: '1GB' });
  try {
    const store = createFolderStore(dir);
    const refused = await writeRaw(input);
    const identifiers = createIdentifiers(identifierKey, config.country);
    for (const [a, b] of input.unlinks ?? []) {
      await unlink(store, hashOfIdentifier(a, identifiers), hashOfIdentifier(b, identifiers), now, identifierKey);
    }
    const models = input.catalogue ?? (await modelCatalogue());
    const today = createReportingDay(config.timeZone)(now.getTime());
    const plan = planBuild(models, {
      timeZone: config.timeZone,
      settings: settingTables(config, lists, today, input.asOf),
      ...(input.select === undefined ? {} : { select: input.select }),
    });
    const isReadersView = new Set(
      plan.steps.flatMap((step) => (step.kind === 'publish' && step.view !== undefined ? [step.table] : [])),
    );
    const failing: BuiltCompany['failing'] = { error: [], warn: [] };
    for (const step of plan.steps) {
      if (step.kind === 'rows') await warehouse.createTableFromRows(step.table, step.columns, step.rows);
      if (step.kind === 'raw') {
        const keys = await store.list(step.prefix);
        await warehouse.createTableFromJsonLines(
          step.table,
          step.columns,
          keys.map((key) => store.locate(key)),
          step.origin === undefined ? undefined : { column: step.origin, skip: store.locate('x').length - 1 },
        );
      }
      if (step.kind === 'earlier') await createEarlierTable(warehouse, store, step);
      // Tables that a build reckons where they are read are made here, so that a test may change their rows.
      if (step.kind === 'model' && step.isView && isReadersView.has(step.table))
        await warehouse.createView(step.table, step.sql);
      else if (step.kind === 'model') await warehouse.createTable(step.table, step.sql);
      if (step.kind === 'solver') {
        const solver = models.models.find((model) => model.name === step.table);
        if (solver !== undefined && !isSqlModel(solver)) await solver.run(warehouse);
      }
      if (step.kind === 'check' && step.severity !== 'refresh' && (await warehouse.query(step.sql)).length > 0)
        failing[step.severity].push(step.check);
    }
    for (const [table, promised] of plan.published) {
      const columns = await warehouse.columns(table);
      const wrong = columns
        .filter((column) => !publishable.test(column.type))
        .map(({ name, type }) => `${name} ${type}`);
      if (columns.map((column) => column.name).join() !== promised.join() || wrong.length > 0) {
        throw new Error(`${table} publishes ${columns.map((column) => column.name).join()}; types: ${wrong.join()}`);
      }
    }
    const query = (sql: string) => warehouse.query(sql);
    return {
      warehouse,
      query,
      lines: async (sql) => (await query(sql)).map((row) => Object.values(row).map(String).join(' ')),
      failing: { error: failing.error.sort(), warn: failing.warn.sort() },
      refused,
      published: plan.published,
      close: () => warehouse.close(),
    };

    async function writeRaw({ events = [], costs = [], rejected = [], recordsPerObject }: CompanyInput) {
      const hasRate = createRateCheck(config.currency, lists.fxRates);
      const writer = createRawWriter(store, {
        identifierKey,
        ...(recordsPerObject === undefined ? {} : { recordsPerObject }),
      });
      let receivedAt = now;
      const admitters = new Map(
        (['server', 'browser', 'file'] as const).map((trust) => [
          trust,
          createAdmitter({ config, identifierKey, trust, receivedAt: () => receivedAt, hasRate }),
        ]),
      );
      const reasons: string[] = [];
      for (const { trust = 'server', received_at, stored, ...event } of events) {
        receivedAt = new Date(received_at ?? Date.parse(event.occurred_at) + 60_000);
        const admitted = admitters.get(trust)?.event(event);
        if (admitted?.ok) await writer.event({ ...admitted.value, ...stored });
        else reasons.push(`${event.event_id ?? event.event_type}: ${admitted?.reason}`);
      }
      const imports: CostImport[] = costs.every(isImport)
        ? [...costs]
        : [{ id: 'costs', received_at: now.toISOString(), rows: costs.filter((cost) => !isImport(cost)) }];
      for (const { id, received_at, rows } of imports) {
        receivedAt = new Date(received_at);
        for (const row of rows) {
          const admitted = admitters.get('file')?.cost(row, id);
          if (admitted?.ok) await writer.cost(admitted.value);
          else reasons.push(`${row.source} ${row.cost_date}: ${admitted?.reason}`);
        }
        await writer.flush();
      }
      for (const record of rejected) {
        await writer.reject({
          via: 'test',
          original: Buffer.from('x').toString('base64'),
          schema_version: 1,
          ...record,
        });
      }
      await writer.flush();
      return reasons;
    }
  } catch (error) {
    await warehouse.close();
    throw error;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** `buildCompany` for one test file: what it built is closed at the file's end. */
export function companyBuilder(): (input: CompanyInput) => Promise<BuiltCompany> {
  const built: BuiltCompany[] = [];
  afterAll(async () => {
    for (const company of built) await company.close();
  });
  return async (input) => {
    const company = await buildCompany(input);
    built.push(company);
    return company;
  };
}

/** `2026-03-01` and a time of that day in UTC as an instant. */
export function at(day: string, time = '10:00:00'): string {
  return `${day}T${time}Z`;
}

/** A session's first page on a device of its own, `who`, with the traffic that it declares. */
export function visit(
  who: string,
  occurred_at: string,
  touch: Arrival['touch'] = {},
  more: Partial<Arrival> = {},
): Arrival {
  return {
    event_id: `visit-${who}-${occurred_at}-${touch?.source ?? ''}`,
    event_type: 'Page Viewed',
    occurred_at,
    source: 'web',
    identifiers: { anonymous_id: who },
    ...(touch === undefined ? {} : { touch }),
    ...more,
  };
}

/** An order with the id `order_id`. */
export function order(
  who: string,
  order_id: string,
  occurred_at: string,
  revenue: string,
  more: Partial<Arrival> = {},
): Arrival {
  return {
    event_id: `order-${order_id}`,
    event_type: 'Order Completed',
    occurred_at,
    source: 'shop',
    identifiers: { anonymous_id: who },
    value: { order_id, revenue, currency: 'EUR' },
    ...more,
  };
}

/** A touch on a channel by itself: no session, no rule. */
export function contact(who: string, channel: string, occurred_at: string, more: Partial<Arrival> = {}): Arrival {
  return {
    event_id: `contact-${who}-${channel}-${occurred_at}`,
    event_type: 'Contact',
    occurred_at,
    source: 'desk',
    identifiers: { anonymous_id: who },
    touch: { channel },
    ...more,
  };
}
