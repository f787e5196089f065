import * as z from 'zod';
import { PercorsoError, UsageError } from '#core/errors';
import { lake, type Manifest, manifestVersion } from '#core/lake';
import type { Store } from '#core/ports';

const pointerSchema = z.object({ build_id: z.string().regex(/^[0-9A-Za-z-]+$/) });
const filedTables = z.record(
  z.string(),
  z.object({
    rows: z.number(),
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    files: z.array(z.object({ partition: z.string(), key: z.string(), rows: z.number() })),
    view: z.string().optional(),
  }),
);
const versionSchema = z.object({ schema_version: z.number().int().default(1) });
const manifestSchema = z.object({
  schema_version: z.number().optional(),
  build_id: z.string(),
  built_at: z.string(),
  as_of: z.string(),
  company: z.string(),
  settings_overridden: z.record(z.string(), z.string()),
  tables: filedTables,
  checks: z.array(
    z.object({
      check: z.string(),
      severity: z.enum(['error', 'warn']),
      failing_rows: z.number(),
      as_of: z.string().optional(),
    }),
  ),
  made_of: z.string().optional(),
  kind: z.enum(['full', 'daily']).optional(),
  reason: z.string().optional(),
  books: z
    .object({
      open_from: z.string(),
      refreshed_at: z.string(),
      made_with: z.record(z.string(), z.string()),
      taken: z.string(),
      tables: filedTables,
    })
    .optional(),
});

/** A build that only a newer version of Percorso can read. */
export class NewerBuildError extends PercorsoError {
  override name = 'NewerBuildError';
}

/**
 * The manifest of the build that readers see; undefined before the first build.
 * @throws NewerBuildError where a newer version of Percorso published it.
 */
export async function readCurrentManifest(store: Store): Promise<Manifest | undefined> {
  const pointer = await store.get(lake.current);
  if (pointer === undefined) return undefined;
  const { build_id } = pointerSchema.parse(JSON.parse(new TextDecoder().decode(pointer)));
  const manifest = await readManifest(store, build_id);
  if (manifest === undefined) {
    throw new PercorsoError(`${lake.current} names the build ${build_id}, which has no manifest`, {
      mend: 'run `percorso build`',
    });
  }
  return manifest;
}

export async function readManifest(store: Store, buildId: string): Promise<Manifest | undefined> {
  const text = await store.get(lake.manifest(buildId));
  if (text === undefined) return undefined;
  const given: unknown = JSON.parse(new TextDecoder().decode(text));
  const { schema_version: version } = versionSchema.parse(given);
  if (version <= manifestVersion) return manifestSchema.parse(given);
  throw new NewerBuildError(
    `the build ${buildId} is of version ${version}, and this Percorso reads up to ${manifestVersion}: a newer one published it`,
    {
      mend: 'use the version that is deployed, or a newer one; to go back to this one for good, build with --full-refresh: all is made anew of raw (docs/aws.md, Upgrade)',
    },
  );
}

/** Writes the manifest and then moves the pointer, in one put: a reader sees the last build, whole, or this one, whole. */
export async function publishManifest(store: Store, manifest: Manifest): Promise<void> {
  await store.put(lake.manifest(manifest.build_id), `${JSON.stringify(manifest, null, 2)}\n`);
  await store.put(lake.current, `${JSON.stringify({ build_id: manifest.build_id })}\n`);
}

/**
 * Removes what no reader can reach: builds that died before their pointer moved, and builds beyond the last `keep`.
 * Files that a kept manifest refers to stay, whichever build wrote them.
 * @param keep 0 or less removes only dead builds.
 * @returns the keys removed.
 */
export async function pruneBuilds(store: Store, keep: number): Promise<string[]> {
  const keys = await store.list(lake.builds);
  const current = await readCurrentManifest(store).catch(() => 'unreadable' as const);
  // Whoever mends the pointer by hand may want any of them; a new build sets it right.
  if (current === 'unreadable') return [];
  const ids = [...new Set(keys.map(buildOf))].sort();
  const finished = new Set(keys.filter((key) => key.endsWith('/manifest.json')).map(buildOf));
  // Ids sort by time. What is later than the pointer never became current.
  const alive = ids.filter((id) => current !== undefined && finished.has(id) && id <= current.build_id);
  const kept = new Set(keep > 0 ? alive.slice(-keep) : alive);
  const referred = new Set<string>();
  for (const id of kept) {
    const manifest = id === current?.build_id ? current : await readManifest(store, id).catch(unlessNewer);
    // Which files it refers to is not known here: none goes until it is not kept any more.
    if (manifest === 'newer') return [];
    for (const table of [...Object.values(manifest?.tables ?? {}), ...Object.values(manifest?.books?.tables ?? {})]) {
      for (const file of table.files) referred.add(file.key);
    }
    if (manifest?.books !== undefined) referred.add(manifest.books.taken);
  }
  const removed = keys.filter((key) => !kept.has(buildOf(key)) && !referred.has(key));
  // A manifest goes first: without it, what a kill leaves is a dead build, which the next run removes.
  removed.sort(
    (a, b) => Number(b.endsWith('/manifest.json')) - Number(a.endsWith('/manifest.json')) || (a < b ? -1 : 1),
  );
  for (const key of removed) await store.remove(key);
  return removed;
}

function unlessNewer(error: unknown): 'newer' {
  if (error instanceof NewerBuildError) return 'newer';
  throw error;
}

function buildOf(key: string): string {
  return key.slice(lake.builds.length).split('/')[0] ?? '';
}

/**
 * The build that readers see.
 * @throws UsageError where nothing has been built yet.
 */
export async function requireBuild(store: Store): Promise<Manifest> {
  const manifest = await readCurrentManifest(store);
  if (manifest === undefined) throw new UsageError('nothing has been built yet', { mend: 'run `percorso build`' });
  return manifest;
}
