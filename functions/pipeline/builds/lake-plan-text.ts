import { UsageError } from '#core/errors';
import { athenaDialect } from '#core/lake-sql';
import type { TypedColumn } from '#core/ports';
import { type BuildOptions, createBuildId, prepare } from '#pipeline/builds/build';
import type { Catalogue } from '#pipeline/builds/catalogue';
import { placeOf, planStatements } from '#pipeline/builds/lake-build';
import { filingOf, unloadStatements } from '#pipeline/builds/lake-filing';
import type { Batch, Statement } from '#pipeline/builds/lake-plan';
import type { Company } from '#pipeline/company/company';

/** Stands for the account in names of buckets: it is not known before a deployment. */
const account = 'ACCOUNT';

/** What of an engine over a lake, and of the lake, statements are made with. */
export type LakeTarget = Parameters<typeof placeOf>[0];

/**
 * Athena, as a deployment of this company would have it.
 * @throws UsageError where the configuration does not say how the company runs on AWS.
 */
export function onAthena(company: Company): LakeTarget {
  const { aws } = company.config;
  if (aws === undefined) {
    throw new UsageError(`${company.configPath} does not say how the company runs on AWS`, {
      mend: "add aws: { id: 'acme' }; docs/aws.md has the rest",
    });
  }
  const name = `${aws.id}-prod`;
  const locate = (bucket: string) => (key: string) => `s3://${name}-${bucket}-${account}/${key}`;
  return {
    dialect: () => athenaDialect,
    rawDatabase: name.replaceAll('-', '_'),
    tables: { locate: locate('results') },
    company: { lake: { locate: locate('lake') } },
  };
}

/** The build of this company as an engine over a lake would run it: every statement, in order and by batches. */
export async function describeLakePlan(
  company: Company,
  catalogue: Catalogue,
  types: Readonly<Record<string, readonly TypedColumn[]>>,
  wanted: BuildOptions,
  target: LakeTarget,
): Promise<{ text: string; steps: Batch[] }> {
  const now = wanted.now ?? (() => new Date());
  const buildId = createBuildId(now);
  const place = placeOf(target, buildId);
  const { dialect } = place;
  const prepared = await prepare(company, catalogue, wanted);
  const { footing, statements } = await planStatements({ company, catalogue, types }, prepared, place);
  const closedBefore = 'reason' in footing ? undefined : footing.stands.closedBefore;
  // Months are found when the checks have passed; a table by months is shown with one.
  const unloads = statements.filings.flatMap((step) => {
    const filing = filingOf(
      step,
      (table) => types[table] ?? [],
      closedBefore,
      step.kind === 'keep' ? step.where : undefined,
    );
    const months = [{ table: step.table, month: '2026-01', rows: 1 }];
    return unloadStatements(filing, months, buildId, dialect, place.locate);
  });
  const named = (id: string, statements: readonly string[]): Statement[] => statements.map((sql) => ({ id, sql }));
  const batches: Batch[] = [
    { kind: 'statements', statements: named('database', dialect.createDatabase(place.database, place.tables)) },
    ...statements.batches,
    { kind: 'statements', statements: unloads },
    { kind: 'publish' },
    { kind: 'statements', statements: named('end', dialect.dropDatabase(place.database)) },
  ];
  const kind = 'reason' in footing ? `a full refresh: ${footing.reason}` : 'a daily build';
  const files = statements.files.map(({ table, lines }) => `-- file of ${lines.length} rows for ${table}`);
  const parts = [`-- ${kind}`, ...files, ...batches.map((batch, index) => describeBatch(batch, index + 1))];
  return { text: `${parts.join('\n\n')}\n`, steps: batches };
}

function describeBatch(batch: Batch, number: number): string {
  const head = `-- ${number}.`;
  if (batch.kind === 'solver') return `${head} make ${batch.table} (solver)`;
  if (batch.kind === 'file') return `${head} no check of severity error may have found a row; months are counted`;
  if (batch.kind === 'publish') return `${head} the manifest, and the pointer that readers follow`;
  const all = batch.statements.map(({ id, sql }) => `-- ${id}\n${sql};`);
  return [`${head} ${batch.statements.length} at one time`, ...all].join('\n\n');
}
