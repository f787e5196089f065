import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { TypedColumn } from '#core/ports';
import {
  type Catalogue,
  isSqlModel,
  rounds,
  type SqlModel,
  solversOf,
  sqlFolder,
  withSources,
} from '#pipeline/builds/catalogue';

const packedFile = 'catalogue.json';
const roundsFolder = 'rounds';

/** The models as they were read where the bundle was made, and the types of their columns. */
export interface PackedCatalogue {
  catalogue: Catalogue;
  types: Record<string, TypedColumn[]>;
}

const packed = z.object({
  // Written by the very version that reads it.
  models: z.custom<SqlModel[]>((value) => Array.isArray(value)),
  checks: z.custom<Catalogue['checks']>((value) => Array.isArray(value)),
  seeds: z.custom<Catalogue['seeds']>((value) => typeof value === 'object'),
  /** Hashes of what the solvers run, by their tables: a bundle has no sources. */
  sources: z.record(z.string(), z.string()),
  types: z.record(z.string(), z.array(z.object({ name: z.string(), type: z.string() }))),
});

/** Writes the models into a folder for a handler that has neither a parser of SQL nor the folder `sql/`. */
export async function packCatalogue({ catalogue, types }: PackedCatalogue, into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  const { models, checks, seeds } = catalogue;
  const sources = Object.fromEntries(
    models.flatMap((model) => (isSqlModel(model) ? [] : [[model.name, model.source]])),
  );
  const written = { models: models.filter(isSqlModel), checks, seeds, sources, types };
  await writeFile(join(into, packedFile), JSON.stringify(written));
  await cp(join(sqlFolder, rounds), join(into, roundsFolder), { recursive: true });
}

export async function readPackedCatalogue(from: string): Promise<PackedCatalogue> {
  const text = await readFile(join(from, packedFile), 'utf8');
  const { types, models, checks, seeds, sources } = packed.parse(JSON.parse(text));
  const solvers = withSources(await solversOf(models, join(from, roundsFolder)), ({ name }) => sources[name]);
  return { catalogue: { models: [...models, ...solvers], checks, seeds }, types };
}
