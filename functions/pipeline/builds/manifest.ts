import { type FiledTable, type Manifest, manifestVersion } from '#core/lake';

/** All that a build knows of itself once its tables are written. */
export interface Built {
  company: { config: { name: string }; overrides?: Record<string, string> };
  buildId: string;
  builtAt: string;
  /** The last whole day, and the first that is still open. */
  asOf: string;
  openFrom: string;
  tables: Record<string, FiledTable>;
  /** Tables that only the next build reads. */
  stored: Record<string, FiledTable>;
  /** Those that this build ran, and what it carries on of earlier ones. */
  checks: Manifest['checks'];
  isPartial: boolean;
  /** The build that readers see until now. */
  last: Manifest | undefined;
  /** Why it is a full refresh; absent in a daily build. */
  reason?: string;
  madeOf: string;
  today: string;
  madeWith: Record<string, string>;
  taken: string;
}

/** The manifest of a build. A part leaves what it did not make as it was, and gives the next build nothing to stand on. */
export function composeManifest(built: Built): Manifest {
  const { last, isPartial, reason } = built;
  const previous = isPartial ? last : undefined;
  const checks = built.checks.map(({ check, severity, failing_rows, as_of }) => ({
    check,
    severity,
    failing_rows,
    ...(as_of === undefined ? {} : { as_of }),
  }));
  return {
    schema_version: manifestVersion,
    build_id: built.buildId,
    built_at: built.builtAt,
    as_of: built.asOf,
    company: built.company.config.name,
    settings_overridden: built.company.overrides ?? {},
    tables: { ...previous?.tables, ...built.tables },
    checks,
    kind: reason === undefined ? 'daily' : 'full',
    ...(reason === undefined ? {} : { reason }),
    ...(isPartial
      ? {}
      : {
          made_of: built.madeOf,
          books: {
            open_from: built.openFrom,
            refreshed_at: reason === undefined && last?.books !== undefined ? last.books.refreshed_at : built.today,
            made_with: built.madeWith,
            taken: built.taken,
            tables: built.stored,
          },
        }),
  };
}
