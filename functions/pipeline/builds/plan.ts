import { rawCostColumns } from '#core/cost';
import { PercorsoError } from '#core/errors';
import { rawEventColumns } from '#core/event';
import { type FiledTable, lake } from '#core/lake';
import { orderModels, selectModels } from '#core/model-graph';
import type { SettingTable } from '#core/setting-tables';
import { type Catalogue, type Check, isSqlModel, type Model, type SqlModel } from '#pipeline/builds/catalogue';

/** One thing that a build does, in order. The same list runs on any engine. */
export type Step =
  | ({ kind: 'rows'; table: string } & SettingTable)
  | {
      kind: 'raw';
      table: string;
      columns: Record<string, string>;
      prefix: string;
      origin?: string;
      /** Only the objects that no earlier build has taken in. */
      isNewOnly: boolean;
    }
  /** Rows that the last build left, or a table of the same columns without a row. */
  | { kind: 'earlier'; table: string; columns: Record<string, string>; files: string[]; where?: string }
  | {
      kind: 'model';
      table: string;
      inputs: readonly string[];
      sql: string;
      isView?: true;
      joinsAsWritten?: true;
    }
  /** `source`: hash of what it runs, so that the plan of another source is another plan. */
  | { kind: 'solver'; table: string; inputs: readonly string[]; source: string }
  | {
      kind: 'check';
      check: string;
      model: string;
      severity: Check['severity'];
      inputs: readonly string[];
      sql: string;
      /** The check is that these columns are the table's key. */
      key?: { table: string; columns: readonly string[] };
    }
  | { kind: 'drop'; table: string }
  /** For the next build: rows that no reader sees. */
  | {
      kind: 'keep';
      table: string;
      where?: string;
      partition?: string;
      referred?: FiledTable;
      joinsAsWritten?: true;
    }
  /** For readers. Months of closed days are referred to where they were published. */
  | {
      kind: 'publish';
      table: string;
      partition?: string;
      referred?: FiledTable;
      view?: string;
      joinsAsWritten?: true;
    };

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
  /** The build before this one, if there is one. */
  last?: LastBuild;
}

export interface LastBuild {
  /** Its tables, those that no reader sees too. */
  left: Readonly<Record<string, FiledTable>>;
  /** Days before this one were closed: what a full refresh moves of them is restated. */
  closedBefore?: string;
  /** What had changed since, where that is why this one is a full refresh. */
  changed?: string;
  /** The instant of the build that is planned. */
  knownAt: string;
  /** What a daily build stands on; absent for a full refresh. */
  stands?: Standing;
}

export interface Standing {
  stored: Readonly<Record<string, FiledTable>>;
  /** Days before this one are closed: a daily build does not move them. */
  closedBefore: string;
  /** Events of this day on are read, so that a path of the open days is whole. */
  readFrom: string;
}

/** How tables are kept that the next build stands on. */
export const standsFor: readonly string[] = ['incremental', 'appended', 'accumulated', 'refreshed'];

/** Before any data: nothing is closed, all is read. */
const always = '0001-01-01';

/** Days that a statement names as literals, since an engine prunes by literals alone. */
export type Literals = Readonly<Record<'time zone' | 'closed before' | 'read from' | 'restated before', string>>;

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
  const rows: Record<string, SettingTable> = {
    ...catalogue.seeds,
    ...options.settings,
    this_build: {
      columns: { reason: 'varchar', known_at: 'timestamptz' },
      rows: [{ reason: options.last?.changed ?? null, known_at: options.last?.knownAt ?? null }],
    },
  };
  const stands = options.last?.stands;
  const literals: Literals = {
    'time zone': options.timeZone,
    'closed before': stands?.closedBefore ?? always,
    'read from': stands?.readFrom ?? always,
    'restated before': stands === undefined ? (options.last?.closedBefore ?? always) : always,
  };
  const earlier = earlierTables(catalogue.models, options, literals);
  const given = new Set([...Object.keys(rawTables), ...Object.keys(rows), ...earlier.keys()]);
  const ordered = orderModels(
    stands === undefined ? catalogue.models : catalogue.models.flatMap((model) => byDays(model, stands, literals)),
    given,
  );
  const selection = options.select === undefined ? undefined : selectModels(ordered, options.select);
  // A daily build does not make what only tables of a full refresh are made of.
  const asked = ordered.filter((model) => isSqlModel(model) && (model.header.published || isKept(model)));
  const isAskedFor = askedFor([...asked.map((model) => model.name), horizonTable], ordered);
  const models = ordered.filter((model) =>
    selection === undefined ? stands === undefined || isAskedFor(model.name) : selection.needed.has(model.name),
  );
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
    if (check.severity === 'refresh' && stands === undefined) return false;
    return chosen(check.model) && check.inputs.every(isThere);
  });
  const published = models.filter((model) => isSqlModel(model) && model.header.published && chosen(model.name));

  // What a published view reads is stored for it, whether or not it is published itself.
  const stored = new Set(published.flatMap((model) => (isReadersView(model) ? model.inputs : [model.name])));
  // Who reads a view reads what the view reads.
  const readBy = (inputs: readonly string[]): string[] => [
    ...new Set(
      inputs.flatMap((input): string[] => {
        const model = byName.get(input);
        return model !== undefined && isView(model) ? readBy(model.inputs) : [input];
      }),
    ),
  ];

  // The joins of a view are those of the statement that reads it.
  const joinsAsWritten = (model: Model): boolean =>
    isSqlModel(model) &&
    (model.header.joinsAsWritten ||
      model.inputs.some((input) => {
        const read = byName.get(input);
        return read !== undefined && isView(read) && joinsAsWritten(read);
      }));

  const steps: Step[] = [];
  const readers = new Map<string, number>();
  for (const reader of [...models, ...checks]) {
    for (const input of readBy(reader.inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  const kept = selection === undefined ? models.filter((model) => isSqlModel(model) && isKept(model)) : [];
  const isWritten = (model: Model) => stored.has(model.name) || published.includes(model) || kept.includes(model);
  const unwritten = new Set(models.filter(isSqlModel).filter(isWritten));
  for (const { name } of unwritten) {
    for (const input of readBy([name])) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  const lasting = new Set([...models.filter(isView).map((model) => model.name), horizonTable]);
  const dropped = new Set<string>();
  const drop = (table: string): void => {
    if (lasting.has(table) || dropped.has(table)) return;
    dropped.add(table);
    steps.push({ kind: 'drop', table });
  };
  const release = (inputs: readonly string[]): void => {
    for (const input of readBy(inputs)) {
      const left = (readers.get(input) ?? 0) - 1;
      readers.set(input, left);
      if (left === 0) drop(input);
    }
  };

  const loaded = new Set<string>();
  const load = (inputs: readonly string[]): void => {
    for (const input of inputs) {
      if (loaded.has(input) || made.has(input)) continue;
      loaded.add(input);
      const table = rows[input];
      const raw = rawTables[input];
      const before = earlier.get(input);
      if (before !== undefined) steps.push(before);
      if (table !== undefined) steps.push({ kind: 'rows', table: input, ...table });
      else if (raw !== undefined) {
        const isNewOnly = stands !== undefined && isOfArrivals(input, models);
        steps.push({ kind: 'raw', table: input, ...raw, isNewOnly });
      }
    }
  };

  const filed = (model: SqlModel, last: Readonly<Record<string, FiledTable>> | undefined) => {
    const { partition } = model.header;
    const referred = isDaily(model, stands) ? last?.[model.name] : undefined;
    return {
      table: model.name,
      ...(partition === undefined ? {} : { partition: partition.column }),
      ...(referred === undefined || partition === undefined ? {} : { referred }),
    };
  };
  /**
   * What is published or kept is written as soon as it is made and checked, so that it need not lie in memory: nobody sees it
   * before the pointer moves. Which rows are kept, the horizon tells.
   */
  const write = (model: SqlModel): void => {
    const { name, file, sql, header } = model;
    const hints = joinsAsWritten(model) ? { joinsAsWritten: true as const } : {};
    if (isReadersView(model)) {
      if (published.includes(model)) steps.push({ kind: 'publish', table: name, view: fillIn(sql, file, literals) });
    } else if (stored.has(name)) steps.push({ kind: 'publish', ...filed(model, options.last?.left), ...hints });
    else if (kept.includes(model)) {
      const state = header.state === undefined ? {} : { where: header.state };
      steps.push({ kind: 'keep', ...filed(model, stands?.stored), ...state, ...hints });
    }
    release([name]);
  };
  const writeMade = (): void => {
    if (made.has(horizonTable) && !done.has(horizonTable)) return;
    for (const model of unwritten) {
      if (!done.has(model.name)) continue;
      unwritten.delete(model);
      write(model);
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
            inputs: model.inputs,
            sql: fillIn(model.sql, model.file, literals),
            ...(isView(model) ? { isView: true } : {}),
            ...(joinsAsWritten(model) ? { joinsAsWritten: true } : {}),
          }
        : { kind: 'solver', table: model.name, inputs: model.inputs, source: model.source },
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
        inputs: check.inputs,
        sql: fillIn(check.sql, check.file, literals),
        ...(check.key === undefined ? {} : { key: check.key }),
      });
      release(check.inputs);
    }
    release(model.inputs);
    writeMade();
    if ((readers.get(model.name) ?? 0) === 0) drop(model.name);
  }
  const columns = new Map(
    published.filter(isSqlModel).map((model) => [model.name, model.header.columns.map((column) => column.name)]),
  );
  for (const model of stands === undefined ? [] : catalogue.models.filter(isRefreshed)) {
    const referred = stands?.stored[model.name];
    if (referred === undefined) continue;
    steps.push({ kind: isSqlModel(model) && model.header.published ? 'publish' : 'keep', table: model.name, referred });
  }
  return { steps, published: columns, isPartial: selection !== undefined };
}

function isView(model: Model): boolean {
  return isSqlModel(model) && model.header.isView;
}

/** Readers get its select; nothing of it is stored. */
function isReadersView(model: Model): boolean {
  return isSqlModel(model) && model.header.kept === 'view';
}

function isRefreshed(model: Model): boolean {
  return isSqlModel(model) && model.header.kept === 'refreshed';
}

/** Tables that later builds stand on, and that no reader sees. */
function isKept(model: SqlModel): boolean {
  return !model.header.published && standsFor.includes(model.header.kept);
}

/** Whether a model is one of these, or what they are made of. */
function askedFor(names: readonly string[], models: readonly Model[]): (name: string) => boolean {
  const byName = new Map(models.map((model) => [model.name, model]));
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(byName.get(name)?.inputs ?? []));
  }
  return (name) => found.has(name);
}

function isDaily(model: SqlModel, stands: Standing | undefined): boolean {
  return stands !== undefined && model.header.kept === 'incremental';
}

/** Raw that only models of arrivals read: a day's build parses what came in since the last one. */
function isOfArrivals(raw: string, models: readonly Model[]): boolean {
  const readers = models.filter((model) => model.inputs.includes(raw));
  return readers.length > 0 && readers.every((model) => isSqlModel(model) && model.header.kept === 'arrivals');
}

const closedOf = (table: string) => `${table}_closed`;
const openOf = (table: string) => `${table}_open`;

/**
 * The rows of an incremental table that are of open days, or of closed ones.
 * @param column the column that says the day, as the table names it.
 * @param alias what the statement calls the table, where it must say so.
 */
function ofDays(filed: FiledTable, column: string, literals: Literals, side: '<' | '>=', alias?: string): string {
  const type = filed.columns.find(({ name }) => name === column)?.type;
  if (type === undefined) {
    throw new PercorsoError(`the last build left rows without the column ${column}, which says their day`, {
      mend: 'run `percorso build --full-refresh`',
    });
  }
  const value = alias === undefined ? column : `${alias}.${column}`;
  // An instant is of the day that it falls on where the company is; a day is that already.
  const day = type === 'date' ? value : `cast(${value} at time zone '${literals['time zone']}' as date)`;
  return `${day} ${side} date '${literals['closed before']}'`;
}

/**
 * A model as a daily build makes it. What is incremental is three: the rows of closed days as the last build left them,
 * those of open days made anew, and a view of both under the model's name. What is appended adds what came in to what was there.
 */
function byDays(model: Model, stands: Standing, literals: Literals): Model[] {
  if (isRefreshed(model)) return [];
  if (!isSqlModel(model) || !['incremental', 'appended'].includes(model.header.kept)) return [model];
  const { name, file, header } = model;
  const filed = stands.stored[name];
  if (filed === undefined) {
    throw new PercorsoError(`the last build left no rows of ${name}`, { mend: 'run `percorso build --full-refresh`' });
  }
  const columns = filed.columns.map((column) => column.name).join(', ');
  const day = header.partition?.column;
  const sql =
    header.kept === 'incremental' && day !== undefined
      ? `select made.*\nfrom (\n${model.sql}\n) as made\nwhere ${ofDays(filed, day, literals, '>=', 'made')}`
      : model.sql;
  const union = [closedOf(name), openOf(name)].map((part) => `select ${columns} from ${part}`).join('\nunion all\n');
  return [
    { name: openOf(name), file, header: { ...header, published: false, kept: 'table' }, sql, inputs: model.inputs },
    { name, file, header: { ...header, isView: true }, sql: union, inputs: [closedOf(name), openOf(name)] },
  ];
}

/** What models read of the last build, by the name under which they read it. */
function earlierTables(
  models: readonly Model[],
  options: PlanOptions,
  literals: Literals,
): Map<string, Extract<Step, { kind: 'earlier' }>> {
  const { last } = options;
  const stands = last?.stands;
  const tables = new Map<string, Extract<Step, { kind: 'earlier' }>>();
  for (const model of models) {
    if (!isSqlModel(model)) continue;
    const { name, header } = model;
    const filed = stands?.stored[name];
    if (filed !== undefined && ['incremental', 'appended'].includes(header.kept)) {
      tables.set(closedOf(name), earlierStep(closedOf(name), filed, storedRows(model, filed, literals)));
    }
    if (filed !== undefined && isRefreshed(model)) tables.set(name, earlierStep(name, filed, undefined));
    for (const read of header.reads) {
      const of = models.find((other) => other.name === read.model);
      const table = read.of === 'published' ? last?.left[read.model] : stands?.stored[read.model];
      const hasAll = Object.entries(read.columns).every(([column, type]) =>
        table?.columns.some((one) => one.name === column && one.type === type),
      );
      const where =
        of !== undefined && isSqlModel(of) && table !== undefined && read.of === 'stored'
          ? storedRows(of, table, literals)
          : undefined;
      tables.set(
        read.name,
        table !== undefined && hasAll
          ? earlierStep(read.name, table, where)
          : { kind: 'earlier', table: read.name, columns: read.columns, files: [] },
      );
    }
  }
  return tables;
}

function earlierStep(table: string, filed: FiledTable, where: string | undefined): Extract<Step, { kind: 'earlier' }> {
  return {
    kind: 'earlier',
    table,
    columns: Object.fromEntries(filed.columns.map(({ name, type }) => [name, type])),
    files: filed.files.map((file) => file.key),
    ...(where === undefined ? {} : { where }),
  };
}

/** Which of its stored rows a daily build reads. */
function storedRows(model: SqlModel, filed: FiledTable, literals: Literals): string | undefined {
  const { kept, partition, state } = model.header;
  const conditions = [
    ...(kept === 'incremental' && partition !== undefined ? [ofDays(filed, partition.column, literals, '<')] : []),
    ...(state === undefined ? [] : [`(${fillIn(state, model.file, literals)})`]),
  ];
  return conditions.length === 0 ? undefined : conditions.join(' and ');
}

/** Every published table's key is unique and not null: said once in its header, checked for all. */
function withKeyChecks(
  checks: readonly Check[],
  models: readonly Model[],
): (Check & Pick<Extract<Step, { kind: 'check' }>, 'key'>)[] {
  const named = new Set(checks.map((check) => check.name));
  const made = new Set(models.map((model) => model.name));
  const keyChecks = models.filter(isSqlModel).flatMap((model) => {
    const name = `key_${model.name}`;
    if (!model.header.published || named.has(name)) return [];
    // Of a table by days the open ones are checked: the closed ones were when they were made.
    const table = made.has(openOf(model.name)) ? openOf(model.name) : model.name;
    const key = model.header.key;
    const columns = key.join(', ');
    const isNull = key.map((column) => `${column} is null`).join(' or ');
    return [
      {
        name,
        file: model.file,
        purpose: `the key of ${model.name} is unique and not null`,
        severity: 'error' as const,
        model: model.name,
        key: { table, columns: key },
        sql: `select ${columns}, count(*) as copies\nfrom ${table}\ngroup by ${columns}\nhaving count(*) > 1 or ${isNull}`,
        inputs: [table],
      },
    ];
  });
  return [...checks, ...keyChecks];
}

const placeholder = /'[^']*' \/\* ([a-z ]+) \*\//g;

/**
 * Puts in the values that an engine must see as literals, checked, where a model names them.
 * @throws PercorsoError for a name that nothing fills in, or a value of the wrong form.
 */
export function fillIn(sql: string, file: string, literals: Literals): string {
  if (!/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/.test(literals['time zone'])) {
    throw new PercorsoError(`"${literals['time zone']}" is no time zone`, { mend: 'write timeZone as an IANA name' });
  }
  return sql.replaceAll(placeholder, (literal, name: string) => {
    const value = Object.entries(literals).find(([known]) => known === name)?.[1];
    if (value !== undefined && (name === 'time zone' || /^\d{4}-\d{2}-\d{2}$/.test(value))) return `'${value}'`;
    throw new PercorsoError(`${file}: nothing fills in ${literal}`, {
      mend: `write one of ${Object.keys(literals)
        .map((known) => `'...' /* ${known} */`)
        .join(', ')}`,
    });
  });
}

/** A step as a person reads it: a statement, or in words what no statement says. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'rows':
      return `-- load ${step.table} (${step.rows.length} rows of settings)`;
    case 'raw':
      return `-- load ${step.table} from ${step.prefix}${step.isNewOnly ? ', what no earlier build has taken in' : ''}`;
    case 'earlier':
      return step.files.length === 0
        ? `-- ${step.table}: nothing of an earlier build`
        : `-- read ${step.table}${step.where === undefined ? '' : ` where ${step.where}`} from\n${step.files.map((file) => `--   ${file}`).join('\n')}`;
    case 'model':
      return `create ${step.isView ? 'view' : 'table'} ${step.table} as\n${step.sql};`;
    case 'solver':
      return `-- make ${step.table} from ${step.inputs.join(', ')} (solver)`;
    case 'check':
      return `-- check ${step.check} of ${step.model} (${step.severity}): no row may come of\n${step.sql};`;
    case 'drop':
      return `drop table ${step.table};`;
    case 'keep':
    case 'publish': {
      if (step.kind === 'publish' && step.view !== undefined) return `-- publish ${step.table} as a view`;
      const by = step.partition === undefined ? '' : ` by month of ${step.partition}`;
      const only =
        step.referred === undefined
          ? ''
          : step.partition === undefined
            ? ' as it is'
            : ', months of closed days as they are';
      return `-- ${step.kind} ${step.table}${by}${only}`;
    }
  }
}
