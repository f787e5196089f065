import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { createQueryReader } from '#adapters/trino-reader';
import { settingTables } from '#core/setting-tables';
import { findFooting, madeWith } from '#pipeline/builds/books';
import { type Catalogue, readCatalogue, sqlFolder } from '#pipeline/builds/catalogue';
import { composeManifest } from '#pipeline/builds/manifest';
import { planBuild } from '#pipeline/builds/plan';
import { programFolder } from '#pipeline/builds/solver-sources';
import { type Company, loadCompany } from '#pipeline/company/company';

/*
 * What a fit left must not stand beside what another source would have made of it: a build knows a solver by what it runs.
 */
let folder: string;
let company: Company;
let before: Catalogue;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-solvers-'));
  for (const name of ['functions/core', 'functions/solvers', 'package.json']) {
    await cp(join(programFolder, name), join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'percorso.config.ts'), "export default { name: 'Acme' };\n");
  company = await loadCompany({ dir: folder, env: {}, openStore: createFolderStore });
  before = await readCatalogue(await createQueryReader());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const solver = (name: string) => join(folder, 'functions', 'solvers', `${name}.ts`);
const catalogueHere = async () => readCatalogue(await createQueryReader(), sqlFolder, folder);
const settings = () => settingTables(company.config, company.lists, '2026-02-01', undefined);
const made = (catalogue: Catalogue) =>
  madeWith(company, catalogue, { settings: settings(), unlinks: [] }, '2026-01-31');

async function change(name: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(solver(name), 'utf8');
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  await writeFile(solver(name), changed);
}

test('the same sources are the same, wherever they stand, and so are other comments', async () => {
  expect(made(await catalogueHere())).toEqual(made(before));
  await appendFile(solver('markov'), '\n// a word on the matter\n');
  expect(made(await catalogueHere())).toEqual(made(before));
});

test('a change in what a solver imports is another solver, and the next build is whole', async () => {
  // Minimise is imported by what lifetime value imports.
  await change('minimise', 'flat = 1e-8', 'flat = 1e-7');
  const after = await catalogueHere();
  const [was, is] = [made(before), made(after)];
  expect(Object.keys(is).filter((name) => is[name] !== was[name])).toEqual(['the solvers']);
  const manifest = composeManifest({
    company,
    buildId: '20260201T000000Z-aaaaaa',
    builtAt: '2026-02-01T00:00:00.000Z',
    asOf: '2026-01-31',
    openFrom: '2026-01-24',
    tables: {},
    stored: {},
    checks: [],
    isPartial: false,
    last: undefined,
    reason: 'asked for',
    madeOf: '',
    today: '2026-02-01',
    madeWith: was,
    taken: 'marts/builds/20260201T000000Z-aaaaaa/taken.json',
  });
  const wanted = { settings: settings(), rawEvents: [], unlinks: [], today: '2026-02-02' };
  expect(await findFooting(company, before, manifest, wanted)).toHaveProperty('stands');
  expect(await findFooting(company, after, manifest, wanted)).toEqual({
    reason: 'the solvers changed',
    changed: 'the solvers changed',
  });
  // A build that would change nothing else is made all the same.
  const steps = (catalogue: Catalogue) =>
    planBuild(catalogue, { timeZone: 'Europe/Rome', settings: settings() }).steps.filter(
      ({ kind }) => kind === 'solver',
    );
  const changed = steps(after).filter((step, index) => JSON.stringify(step) !== JSON.stringify(steps(before)[index]));
  expect(changed.map((step) => (step.kind === 'solver' ? step.table : '')).sort()).toEqual([
    'value_expectations',
    'value_parameters',
  ]);
});
