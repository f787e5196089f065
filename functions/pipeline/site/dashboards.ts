import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, lstat, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import type { Manifest } from '#core/lake';
import type { Warehouse } from '#core/ports';
import type { Catalogue } from '#pipeline/builds/catalogue';
import { requireBuild } from '#pipeline/builds/publish';
import type { Company } from '#pipeline/company/company';
import { compressSite } from '#pipeline/site/compress-site';
import { definitionsFile, italianFile, metricsFile } from '#pipeline/site/glossary';
import { preparePageTables, settingsOfPages } from '#pipeline/site/page-tables';

/** The Evidence project. Its working folders are shared by all companies of this clone, so one site is made at a time. */
export const dashboardsDir = fileURLToPath(new URL('../../../dashboards', import.meta.url));

/** What a person chose that the pages show; it counts with the build when a site is judged to be up to date. */
const stampSchema = z.object({ build_id: z.string(), code: z.string(), settings: z.string() });
type Stamp = z.output<typeof stampSchema>;
const stampFile = 'stamp.json';

export interface DashboardTools {
  openWarehouse(): Promise<Warehouse>;
  /** The models, whose headers say what is published. */
  readCatalogue(): Promise<Catalogue>;
  /** Builds a company that has no data, for the columns of tables that an older build has not published. */
  buildEmpty(catalogue: Catalogue): Promise<Manifest>;
  /** Does one piece of work at a time over all processes of this machine. */
  withLock<Result>(file: string, what: string, work: () => Promise<Result>): Promise<Result>;
}

export interface DashboardOptions {
  /** Called as each step begins. */
  onStep?: (step: string) => void;
  /** Makes the site even where nothing has changed. */
  force?: boolean;
}

export interface DashboardResult {
  /** The folder that holds the site. */
  site: string;
  build_id: string;
  /** `nothing`: the site was up to date; `refresh`: new data in compiled pages; `compile`: all of it. */
  did: 'nothing' | 'refresh' | 'compile';
  seconds: number;
}

/**
 * Makes the site of a company from its published tables. The old site stays until the new one stands, whole.
 * @throws PercorsoError where a query of a page fails, or another site is being made; UsageError where nothing has been built.
 */
export async function buildDashboards(
  company: Company,
  tools: DashboardTools,
  options: DashboardOptions = {},
): Promise<DashboardResult> {
  const startedAt = Date.now();
  const onStep = options.onStep ?? (() => {});
  const site = company.paths.site;
  const finish = (did: DashboardResult['did'], build_id: string): DashboardResult => ({
    site,
    build_id,
    did,
    seconds: (Date.now() - startedAt) / 1000,
  });
  const isCurrent = async (stamp: Stamp) =>
    options.force !== true && JSON.stringify(await readStamp(join(site, stampFile))) === JSON.stringify(stamp);

  const before = await makeStamp(company, await requireBuild(company.lake));
  if (await isCurrent(before)) return finish('nothing', before.build_id);

  await mkdir(join(dashboardsDir, '.data'), { recursive: true });
  return tools.withLock(join(dashboardsDir, '.data', 'site.lock'), 'a site', async () => {
    const manifest = await requireBuild(company.lake);
    const stamp = await makeStamp(company, manifest);
    await installDashboards(onStep);
    onStep('page tables');
    const warehouse = await tools.openWarehouse();
    try {
      await preparePageTables(company, manifest, warehouse, {
        selects: join(dashboardsDir, 'tables'),
        output: join(dashboardsDir, '.data'),
        catalogue: await tools.readCatalogue(),
        buildEmpty: tools.buildEmpty,
      });
    } finally {
      await warehouse.close();
    }
    onStep('page data');
    await runEvidence(['sources', '--strict']);
    const compiled = await readStamp(compiledFile);
    const did = options.force !== true && compiled?.code === stamp.code ? 'refresh' : 'compile';
    const output = join(dashboardsDir, 'build');
    if (did === 'refresh') {
      onStep('pages');
      await runNode([join(dashboardsDir, 'tools', 'refresh.mjs')], 'the pages could not be made');
    } else {
      onStep('pages (the first time, this takes a minute or two)');
      await rm(compiledFile, { force: true });
      await rm(output, { recursive: true, force: true });
      await runEvidence(['build:strict']);
      await writeFile(compiledFile, JSON.stringify(stamp));
    }
    // What a page fetches only when it is asked for.
    await rm(join(output, 'more'), { recursive: true, force: true });
    await cp(join(dashboardsDir, '.data', 'more'), join(output, 'more'), { recursive: true });
    onStep('compression');
    await compressSite(output);
    await moveIn(output, site, stamp);
    return finish(did, stamp.build_id);
  });
}

const compiledFile = join(dashboardsDir, '.evidence', 'compiled.json');

async function readStamp(file: string): Promise<Stamp | undefined> {
  try {
    return stampSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

async function makeStamp(company: Company, manifest: Manifest): Promise<Stamp> {
  return {
    build_id: manifest.build_id,
    code: await hashFiles([
      'pages',
      'components',
      'sources',
      'static',
      'patches',
      'package-lock.json',
      'evidence.config.yaml',
      'svelte.config.js',
    ]),
    settings: hash([
      JSON.stringify(settingsOfPages(company)),
      await hashFiles(['tables']),
      await readFile(definitionsFile),
      await readFile(metricsFile),
      await readFile(italianFile),
    ]),
  };
}

const hash = (parts: readonly (string | Buffer)[]) => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex').slice(0, 16);
};

/** A hash of names and contents of files and folders of the Evidence project; what is written while building is left out. */
async function hashFiles(names: readonly string[]): Promise<string> {
  const parts: (string | Buffer)[] = [];
  for (const name of names) {
    const path = join(dashboardsDir, name);
    const files = name.includes('.')
      ? [path]
      : (await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []))
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .filter((file) => !relative(dashboardsDir, file).startsWith(join('static', 'data')))
          .sort();
    for (const file of files) parts.push(relative(dashboardsDir, file), await readFile(file));
  }
  return hash(parts);
}

/** @throws PercorsoError where packages are a link to others: `npm ci` would empty the folder that it points to (so too bin/install.js). */
export async function refuseLinkedPackages(modules: string): Promise<void> {
  const found = await lstat(modules).catch(() => undefined);
  if (found?.isSymbolicLink() !== true) return;
  const target = resolve(dirname(modules), await readlink(modules));
  throw new PercorsoError(
    `${modules} is a symbolic link to ${target}: npm ci would empty that folder, which may be another checkout's`,
    { mend: 'remove the link (not what it points to), and run this again: it installs packages of its own' },
  );
}

/** Installs the Evidence project where its lock or its patches have changed since the last time, or never were installed. */
export async function installDashboards(onStep: (step: string) => void = () => {}): Promise<void> {
  const modules = join(dashboardsDir, 'node_modules');
  // The first stamp is also written by `npm start` (bin/install.js), which installs before this runs.
  const installed = join(modules, '.percorso-installed');
  const patched = join(modules, '.percorso-patched');
  const lock = createHash('sha256')
    .update(await readFile(join(dashboardsDir, 'package-lock.json')))
    .digest('hex');
  const patches = await hashFiles(['patches']);
  const stampOf = (file: string) => readFile(file, 'utf8').catch(() => undefined);
  const isInstalled = (await stampOf(installed)) === lock;
  const patchedWith = await stampOf(patched);
  if (!isInstalled || (patchedWith !== undefined && patchedWith !== patches)) {
    await refuseLinkedPackages(modules);
    onStep('installing what draws the pages (half a minute)');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    await runProcess(npm, ['ci', '--no-audit', '--no-fund'], 'the dashboards could not be installed');
    await writeFile(installed, lock);
  }
  if (patchedWith !== patches) await writeFile(patched, patches);
}

/** Two renames, so that whoever reads meets the old site or the new one. */
async function moveIn(output: string, site: string, stamp: Stamp): Promise<void> {
  const fresh = `${site}.new`;
  const old = `${site}.old`;
  await mkdir(dirname(site), { recursive: true });
  await rm(fresh, { recursive: true, force: true });
  await cp(output, fresh, { recursive: true, preserveTimestamps: true });
  await writeFile(join(fresh, stampFile), JSON.stringify(stamp));
  await rm(old, { recursive: true, force: true });
  await rename(site, old).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
  await rename(fresh, site);
  await rm(old, { recursive: true, force: true });
}

function runEvidence(args: readonly string[]): Promise<void> {
  return runNode(
    [join(dashboardsDir, 'node_modules', '@evidence-dev', 'evidence', 'cli.js'), ...args],
    'the pages could not be made',
  );
}

const runNode = (args: readonly string[], failure: string) => runProcess(process.execPath, args, failure);

const passedOn =
  /^(path|home|userprofile|temp|tmp|tmpdir|systemroot|comspec|appdata|localappdata|lang|lc_.*|npm_config_.*|node_options|node_extra_ca_certs|https?_proxy|no_proxy)$/i;

/**
 * What the compiler is told of the environment: only what it needs. A NODE_ENV of somebody's shell or test runner, or
 * vite's own names (SSR, MODE, BASE_URL, ...), would make pages that hold no figures.
 */
export function compilerEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => passedOn.test(name));
  return { ...Object.fromEntries(kept), NODE_ENV: 'production', SEND_ANONYMOUS_USAGE_STATS: 'no', NO_COLOR: '1' };
}

/** Evidence ends well where a query of a page fails, and ships a red box: its words tell. */
async function runProcess(command: string, args: readonly string[], failure: string): Promise<void> {
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: dashboardsDir,
      env: compilerEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: command.endsWith('.cmd'),
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-100_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
  if (code === 0 && !output.includes('Error in Query!')) return;
  const said = output
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('npm warn'))
    .slice(-15)
    .join('\n');
  throw new PercorsoError(`${failure}: ${said}`, {
    mend: 'the site that was there stays; mend what is named and try again',
  });
}
