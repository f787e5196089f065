import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { createDuckDbWarehouse } from '../functions/adapters/duckdb-warehouse.ts';
import { createQueryReader } from '../functions/adapters/trino-reader.ts';
import { modelNames } from '../functions/core/model-names.ts';
import { writeBrowserSdk } from '../functions/handlers/browser-sdk.ts';
import { readCatalogue } from '../functions/pipeline/builds/catalogue.ts';
import { type PackedCatalogue, packCatalogue } from '../functions/pipeline/builds/packed-catalogue.ts';
import { typesOfTables } from '../functions/pipeline/builds/table-types.ts';
import type { Company } from '../functions/pipeline/company/company.ts';
import { packCompany } from '../functions/pipeline/company/packed-company.ts';

export const handlers = ['collect', 'store', 'import', 'build', 'sign-in'] as const;
export type HandlerName = (typeof handlers)[number];

const handlerFile = (name: HandlerName) =>
  fileURLToPath(new URL(`../functions/handlers/${name}-lambda.ts`, import.meta.url));

/** Connectors are the files of their folder, which a bundle has not: their names take the place of its reading. */
const namedConnectors: Plugin = {
  name: 'named-connectors',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]connectors[\\/]registry-modules\.ts$/ }, async ({ path }) => {
      const folder = dirname(path);
      const names = (await readdir(folder))
        .filter((name) => name.endsWith('.ts') && !/^registry[.-]/.test(name))
        .sort();
      const imports = names.map((name, index) => `import * as module${index} from './${name}';`);
      const list = names.map((_, index) => `module${index}`).join(', ');
      const contents = `${imports.join('\n')}
export const connectorModules = [${list}];
export const modulesIn = () => { throw new Error('a bundle has no folder of connectors'); };
`;
      return { contents, resolveDir: folder, loader: 'ts' };
    });
  },
};

/** The list of attribution models is a file of sql/, which a bundle has not: their names take the place of its reading. */
const namedModels: Plugin = {
  name: 'named-models',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]core[\\/]model-names\.ts$/ }, () => ({
      contents: `export const modelNames = ${JSON.stringify(modelNames)};`,
      loader: 'ts',
    }));
  },
};

/** The models, and the columns that DuckDB finds in them: neither it nor a parser of SQL is in a bundle. */
async function readTyped(company: Company): Promise<PackedCatalogue> {
  const catalogue = await readCatalogue(await createQueryReader());
  const warehouse = await createDuckDbWarehouse({ threads: 1, memory: '1GB' });
  try {
    return { catalogue, types: await typesOfTables(catalogue, company, warehouse) };
  } finally {
    await warehouse.close();
  }
}

/**
 * Writes what each Lambda runs into `into/NAME`: its bundle, and the company beside it. Equal sources make equal files, so
 * that a deployment without a change deploys nothing.
 * @returns the folder of each.
 */
export async function writeBundles(company: Company, into: string): Promise<Record<HandlerName, string>> {
  const folderOf = (name: HandlerName) => join(into, name);
  await Promise.all(
    handlers.map(async (name) => {
      const folder = folderOf(name);
      await mkdir(folder, { recursive: true });
      await build({
        entryPoints: [handlerFile(name)],
        outfile: join(folder, 'index.mjs'),
        bundle: true,
        minify: true,
        // Names of errors stand in logs.
        keepNames: true,
        format: 'esm',
        platform: 'node',
        target: 'node22',
        mainFields: ['module', 'main'],
        // DuckDB would be 70 MB and reads only Parquet files here; esbuild makes the browser SDK, which is made already.
        external: ['@duckdb/node-api', 'esbuild'],
        // Some packages still ask for Node's own modules by require. A short name would be one of the minifier's, too.
        banner: {
          js: "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);",
        },
        plugins: [namedConnectors, namedModels],
        logLevel: 'error',
      });
      await packCompany(company, join(folder, 'company'));
    }),
  );
  await writeBrowserSdk(folderOf('collect'));
  await packCatalogue(await readTyped(company), join(folderOf('build'), 'catalogue'));
  return {
    collect: folderOf('collect'),
    store: folderOf('store'),
    import: folderOf('import'),
    'sign-in': folderOf('sign-in'),
    build: folderOf('build'),
  };
}
