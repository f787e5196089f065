import { rawCostColumns } from '#core/cost';
import { PercorsoError } from '#core/errors';
import { rawEventColumns } from '#core/event';
import { lake } from '#core/lake';
import { orderModels, selectModels } from '#core/model-graph';
import type { SettingTable } from '#core/setting-tables';
import { type Catalogue, type Check, isSqlModel, type Model } from '#pipeline/catalogue';

/** One thing that a build does, in order. The same list runs on any engine. */
export type Step =
  | ({ kind: 'rows'; table: string } & SettingTable)
  | { kind: 'raw'; table: string; columns: Record<string, string>; prefix: string; origin?: string }
  | { kind: 'model'; table: string; sql: string; isView?: true }
  | { kind: 'solver'; table: string; inputs: readonly string[] }
  | { kind: 'check'; check: string; model: string; severity: 'error' | 'warn'; sql: string }
  | { kind: 'drop'; table: string }
  | { kind: 'publish'; table: string; partition?: string; view?: string };

export interface Plan {
  steps: Step[];
  /** Tables that this build publishes, with the columns that their headers promise; `check_results` beside them. */
  published: Map<string, string[]>;
  /** Whether `--select` left something out. */
  isPartial: boolean;
}

export interface PlanOptions {
  timeZone: string;
  settings: Record<string, SettingTable>;
  /** What `--select` says. */
  select?: string;
}

const rawTables: Record<string, { columns: Record<string, string>; prefix: string; origin?: string }> = {
  raw_events: { columns: rawEventColumns, prefix: lake.rawEvents, origin: 'raw_object' },
  raw_costs: { columns: rawCostColumns, prefix: lake.rawCosts, origin: 'raw_object' },
  rejected_index: {
    columns: { source: 'varchar', reason: 'varchar', rejected_at: 'varchar', message: 'varchar' },
    prefix: lake.rejected,
  },
  raw_unlinks: {
    columns: { identifier_a: 'varchar', identifier_b: 'varchar', unlinked_at: 'varchar' },
    prefix: lake.unlinks,
  },
};

/** Read by the builder itself at the end, for the manifest. */
export const horizonTable = 'horizon';

/**
 * Plans a build: what is loaded, made, checked, dropped and published, in order. Pure: nothing is read or run.
 * @throws PercorsoError for a circle, an unknown table, or an unknown model in `select`.
 */
export function planBuild(catalogue: Catalogue, options: PlanOptions): Plan {
  const rows: Record<string, SettingTable> = { ...catalogue.seeds, ...options.settings };
  const given = new Set([...Object.keys(rawTables), ...Object.keys(rows)]);
  const ordered = orderModels(catalogue.models, given);
  const selection = options.select === undefined ? undefined : selectModels(ordered, options.select);
  const models = ordered.filter((model) => selection === undefined || selection.needed.has(model.name));
  const chosen = (name: string) => selection === undefined || selection.chosen.has(name);
  const made = new Set(models.map((model) => model.name));
  const isThere = (table: string) => made.has(table) || given.has(table);
  const byName = new Map(ordered.map((model) => [model.name, model]));
  const checks = withKeyChecks(catalogue.checks, models).filter((check) => {
    for (const table of [check.model, ...check.inputs]) {
      if (!byName.has(table) && !given.has(table)) {
        throw new PercorsoError(`${check.file} reads the table ${table}, which nothing makes`, {
          mend: 'correct its name, or remove the check',
        });
      }
    }
    return chosen(check.model) && check.inputs.every(isThere);
  });
  const published = models.filter((model) => isSqlModel(model) && model.header.published && chosen(model.name));

  // What a published view reads is stored for it, whether or not it is published itself.
  const stored = new Set(published.flatMap((model) => (isView(model) ? model.inputs : [model.name])));
  // Who reads a view reads what the view reads.
  const readBy = (inputs: readonly string[]): string[] => [
    ...new Set(
      inputs.flatMap((input) => {
        const model = byName.get(input);
        return model !== undefined && isView(model) ? model.inputs : [input];
      }),
    ),
  ];

  const steps: Step[] = [];
  const readers = new Map<string, number>();
  for (const reader of [...models, ...checks]) {
    for (const input of readBy(reader.inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  const lasting = new Set([...stored, ...models.filter(isView).map((model) => model.name), horizonTable]);
  const release = (inputs: readonly string[]): void => {
    for (const input of readBy(inputs)) {
      const left = (readers.get(input) ?? 0) - 1;
      readers.set(input, left);
      if (left === 0 && !lasting.has(input)) steps.push({ kind: 'drop', table: input });
    }
  };

  const loaded = new Set<string>();
  const load = (inputs: readonly string[]): void => {
    for (const input of inputs) {
      if (loaded.has(input) || made.has(input)) continue;
      loaded.add(input);
      const table = rows[input];
      const raw = rawTables[input];
      if (table !== undefined) steps.push({ kind: 'rows', table: input, ...table });
      else if (raw !== undefined) steps.push({ kind: 'raw', table: input, ...raw });
    }
  };

  const waiting = new Set(checks);
  const done = new Set<string>();
  for (const model of models) {
    load(model.inputs);
    steps.push(
      isSqlModel(model)
        ? {
            kind: 'model',
            table: model.name,
            sql: fillIn(model.sql, model.file, options.timeZone),
            ...(isView(model) ? { isView: true } : {}),
          }
        : { kind: 'solver', table: model.name, inputs: model.inputs },
    );
    done.add(model.name);
    // A check runs as soon as it can, so that what it reads may be dropped.
    for (const check of waiting) {
      if (!check.inputs.every((input) => done.has(input) || given.has(input))) continue;
      waiting.delete(check);
      load(check.inputs);
      const { name, model: checked, severity } = check;
      steps.push({
        kind: 'check',
        check: name,
        model: checked,
        severity,
        sql: fillIn(check.sql, check.file, options.timeZone),
      });
      release(check.inputs);
    }
    release(model.inputs);
    if ((readers.get(model.name) ?? 0) === 0 && !lasting.has(model.name)) {
      steps.push({ kind: 'drop', table: model.name });
    }
  }
  const columns = new Map<string, string[]>();
  for (const model of models) {
    if (!isSqlModel(model)) continue;
    const { columns: described, partition } = model.header;
    if (published.includes(model))
      columns.set(
        model.name,
        described.map((column) => column.name),
      );
    if (isView(model) && published.includes(model)) {
      steps.push({ kind: 'publish', table: model.name, view: fillIn(model.sql, model.file, options.timeZone) });
    } else if (stored.has(model.name)) {
      steps.push({
        kind: 'publish',
        table: model.name,
        ...(partition === undefined ? {} : { partition: partition.column }),
      });
    }
  }
  return { steps, published: columns, isPartial: selection !== undefined };
}

function isView(model: Model): boolean {
  return isSqlModel(model) && model.header.kept === 'view';
}

/** Every published table's key is unique and not null: said once in its header, checked for all. */
function withKeyChecks(checks: readonly Check[], models: readonly Model[]): Check[] {
  const named = new Set(checks.map((check) => check.name));
  const keyChecks = models.filter(isSqlModel).flatMap((model): Check[] => {
    const name = `key_${model.name}`;
    if (!model.header.published || named.has(name)) return [];
    const key = model.header.key;
    const columns = key.join(', ');
    const isNull = key.map((column) => `${column} is null`).join(' or ');
    return [
      {
        name,
        file: model.file,
        purpose: `the key of ${model.name} is unique and not null`,
        severity: 'error',
        model: model.name,
        sql: `select ${columns}, count(*) as copies\nfrom ${model.name}\ngroup by ${columns}\nhaving count(*) > 1 or ${isNull}`,
        inputs: [model.name],
      },
    ];
  });
  return [...checks, ...keyChecks];
}

const placeholder = /'[^']*' \/\* ([a-z ]+) \*\//g;

/** Puts the one value that an engine must see as a literal, the checked time zone, where a model names it. */
function fillIn(sql: string, file: string, timeZone: string): string {
  if (!/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/.test(timeZone)) {
    throw new PercorsoError(`"${timeZone}" is no time zone`, { mend: 'write timeZone as an IANA name' });
  }
  return sql.replaceAll(placeholder, (literal, name: string) => {
    if (name === 'time zone') return `'${timeZone}'`;
    throw new PercorsoError(`${file}: nothing fills in ${literal}`, { mend: "write '...' /* time zone */" });
  });
}

/** A step as a person reads it: a statement, or in words what no statement says. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'rows':
      return `-- load ${step.table} (${step.rows.length} rows of settings)`;
    case 'raw':
      return `-- load ${step.table} from ${step.prefix}`;
    case 'model':
      return `create ${step.isView ? 'view' : 'table'} ${step.table} as\n${step.sql};`;
    case 'solver':
      return `-- make ${step.table} from ${step.inputs.join(', ')} (solver)`;
    case 'check':
      return `-- check ${step.check} of ${step.model} (${step.severity}): no row may come of\n${step.sql};`;
    case 'drop':
      return `drop table ${step.table};`;
    case 'publish':
      if (step.view !== undefined) return `-- publish ${step.table} as a view`;
      return `-- publish ${step.table}${step.partition === undefined ? '' : ` by month of ${step.partition}`}`;
  }
}
