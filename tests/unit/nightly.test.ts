import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { PercorsoError } from '#core/errors';
import { type Company, loadCompany } from '#pipeline/company/company';
import type { FileSummary } from '#pipeline/imports/import';
import { type NightlyWork, pruneRaw, runNight } from '#pipeline/imports/nightly';

let dir: string;
let company: Company;
let mails: { to: readonly string[]; subject: string; text: string }[];
let order: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-nightly-'));
  await writeFile(
    join(dir, 'percorso.config.ts'),
    "export default { name: 'Acme', mail: { from: 'p@acme.it', onFailureTo: ['it@acme.it'] } };\n",
  );
  await mkdir(join(dir, 'landing'));
  company = await loadCompany({ dir, env: {}, openStore: createFolderStore });
  mails = [];
  order = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const summary = (file: string, more: Partial<FileSummary> = {}): FileSummary => ({
  file,
  via: 'canonical',
  says: '',
  rows: 1,
  events: 1,
  costs: 0,
  rejected: 0,
  reasons: [],
  leftOut: 0,
  alreadyThere: false,
  notes: [],
  path: file,
  ...more,
});

function work(more: Partial<NightlyWork> = {}): NightlyWork {
  return {
    importFiles: async (paths) => {
      order.push(`import ${paths.map((path) => basename(path)).join()}`);
      return { files: paths.map((path) => summary(path)), hasFailed: false };
    },
    build: async () => {
      order.push('build');
      return { build_id: '1', as_of: '2026-01-31' };
    },
    dashboards: async () => {
      order.push('dashboards');
    },
    pruneRejected: async () => 0,
    compactVault: async () => undefined,
    mailer: {
      send: async (mail) => {
        mails.push(mail);
      },
    },
    say: () => {},
    ...more,
  };
}

const land = (name: string) => writeFile(join(dir, 'landing', name), 'x');

describe('a night', () => {
  test('imports, builds, makes the dashboards, and files that were taken in go', async () => {
    await land('b.csv');
    await land('a.csv');
    await land('.hidden');
    await land('half.csv.part');
    const result = await runNight(company, work());
    expect(order).toEqual(['import a.csv,b.csv', 'build', 'dashboards']);
    expect(await readdir(join(dir, 'landing'))).toEqual(['.hidden', 'half.csv.part']);
    expect(result).toMatchObject({ imported: 2, problems: [] });
    expect(mails).toEqual([]);
  });

  test('a refused file stays, is told by mail, and does not keep the build from its work', async () => {
    await land('a.csv');
    const refused = { message: 'the column Totale is missing', mend: 'correct the mapping' };
    const importFiles = async (paths: string[]) => ({
      files: paths.map((path) => summary(path, { refused })),
      hasFailed: true,
    });
    const result = await runNight(company, work({ importFiles }));
    expect(await readdir(join(dir, 'landing'))).toEqual(['a.csv']);
    expect(order).toEqual(['build', 'dashboards']);
    expect(result.problems).toHaveLength(1);
    expect(mails[0]?.to).toEqual(['it@acme.it']);
    expect(mails[0]?.text).toContain('the column Totale is missing\n  mend: correct the mapping');
  });

  test('a packed file goes once all that it holds is taken in', async () => {
    await land('a.zip');
    await land('b.zip');
    const refused = { message: 'no mapping', mend: undefined };
    const importFiles = async (paths: string[]) => ({
      files: paths.flatMap((path) => [
        summary(`${path}/1.csv`, { path }),
        summary(`${path}/2.csv`, { path, ...(path.endsWith('b.zip') ? { refused } : {}) }),
      ]),
      hasFailed: true,
    });
    await runNight(company, work({ importFiles }));
    expect(await readdir(join(dir, 'landing'))).toEqual(['b.zip']);
  });

  test('a file that grew while it was imported stays for the next night', async () => {
    await land('a.csv');
    const importFiles = async (paths: string[]) => {
      await writeFile(join(dir, 'landing', 'a.csv'), 'xx');
      return { files: paths.map((path) => summary(path)), hasFailed: false };
    };
    await runNight(company, work({ importFiles }));
    expect(await readdir(join(dir, 'landing'))).toEqual(['a.csv']);
  });

  test('after a failed build the dashboards stay as they were, and the mail says why', async () => {
    const build = async () => {
      throw new PercorsoError('a check failed', { mend: 'mend the data' });
    };
    const result = await runNight(company, work({ build }));
    expect(order).toEqual([]);
    expect(result.problems).toEqual([{ step: 'build', message: 'a check failed', mend: 'mend the data' }]);
    expect(mails[0]?.subject).toBe('Percorso, Acme: a step of tonight failed');
    expect(mails[0]?.text).toContain('the last good build');
  });

  test('a mail that cannot be sent is a problem of its own', async () => {
    const mailer = {
      send: async () => {
        throw new PercorsoError('no route to the server');
      },
    };
    const build = async () => {
      throw new PercorsoError('a check failed');
    };
    const result = await runNight(company, work({ build, mailer }));
    expect(result.problems.map((problem) => problem.step)).toEqual(['build', 'mail']);
  });
});

test('raw events older than the retention go, by the day on which they came in; costs stay', async () => {
  for (const key of [
    'raw/events/2026-01-01/a.jsonl.gz',
    'raw/events/2026-01-30/b.jsonl.gz',
    'raw/costs/google/c.jsonl.gz',
  ]) {
    await company.lake.put(key, 'x');
  }
  expect(await pruneRaw(company.lake, 30, new Date('2026-02-10T00:00:00Z'))).toBe(1);
  expect(await company.lake.list('raw/')).toEqual(['raw/costs/google/c.jsonl.gz', 'raw/events/2026-01-30/b.jsonl.gz']);
});
