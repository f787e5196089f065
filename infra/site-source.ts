import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Company } from '../functions/pipeline/company/company.ts';
import { packCompany } from '../functions/pipeline/company/packed-company.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What `percorso dashboards build` needs; what it makes and installs by itself is left out. */
const parts = [
  'bin',
  'functions',
  'sql',
  'docs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  ...[
    'components',
    'pages',
    'patches',
    'sources',
    'static',
    'stubs',
    'tables',
    'tools',
    'evidence.config.yaml',
    'glossary.csv',
    'glossary.it.csv',
    'package-lock.json',
    'package.json',
    'svelte.config.js',
  ].map((part) => `dashboards/${part}`),
];
const left = [join(root, 'dashboards', 'static', 'data'), join(root, 'docs', 'images')];

/** The folder of the company within the source. */
const siteCompany = 'company';

/**
 * Writes what CodeBuild makes the dashboards of: this program as it is, and the company beside it, without a secret. Equal sources
 * make equal files, so that a deployment without a change deploys nothing.
 */
export async function writeSiteSource(company: Company, into: string): Promise<string> {
  await mkdir(into, { recursive: true });
  for (const part of parts) {
    await cp(join(root, part), join(into, part), { recursive: true, filter: (path) => !left.includes(path) });
  }
  const folder = join(into, siteCompany);
  await packCompany(company, folder);
  const config = await readFile(join(folder, 'percorso.config.json'), 'utf8');
  await writeFile(join(folder, 'percorso.config.ts'), `export default ${config};\n`);
  return into;
}

/** What CodeBuild does, in its own form; tests run the commands of `build`. */
export function siteBuildspec(stage: string, bucket: string) {
  return {
    version: 0.2,
    phases: {
      install: { 'runtime-versions': { nodejs: 22 }, commands: ['npm ci --omit=dev --no-audit --no-fund'] },
      build: {
        commands: [`node bin/percorso.js dashboards build --dir ${siteCompany} --on aws:${stage} --publish ${bucket}`],
      },
    },
  };
}
