import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { createJiti } from 'jiti';
import { type Config, defineConfig } from '#core/config';
import { UsageError } from '#core/errors';
import { decodeIdentifierKey } from '#core/identifier-key';
import type { Store } from '#core/ports';
import type { CompanyLists } from '#core/setting-tables';
import { parseConfig, parseOverrides } from '#core/settings';
import { readLists } from '#pipeline/company-lists';

/** One company: the folder that holds its `percorso.config.ts`, and what stands in it. */
export interface Company {
  /** The folder, absolute. */
  dir: string;
  configPath: string;
  config: Config;
  lists: CompanyLists;
  /** What `--set` replaced, by path of the setting. */
  overrides: Record<string, string>;
  lake: Store;
  /** Absolute paths beside the lake. They need not exist. */
  paths: {
    lake: string;
    mappings: string;
    landing: string;
    state: string;
    spool: string;
    work: string;
    locks: string;
    site: string;
  };
  env: NodeJS.ProcessEnv;
  /** The secret of the keyed hashes: from the environment, else from the key file, which is made on first need. */
  identifierKey(): Promise<Buffer>;
}

export interface CompanyOptions {
  dir: string;
  env: NodeJS.ProcessEnv;
  /** `setting=value`, from the command line. */
  set?: readonly string[];
  /** Opens the lake's store at a folder. */
  openStore(root: string): Store;
}

export const configFileName = 'percorso.config.ts';

/**
 * Opens the company of a folder: its configuration checked, its lists read.
 * @throws UsageError where there is no configuration or a setting is wrong; RefusedError where a list is.
 */
export async function loadCompany(options: CompanyOptions): Promise<Company> {
  const { dir, env } = options;
  const configPath = join(dir, configFileName);
  const overrides = parseOverrides(options.set ?? []);
  const config = parseConfig(await importConfig(configPath), configPath, overrides);
  const state = join(dir, '.percorso');
  const paths = {
    lake: join(dir, 'lake'),
    mappings: join(dir, 'mappings'),
    landing: join(dir, 'landing'),
    state,
    spool: join(state, 'spool'),
    work: join(state, 'work'),
    locks: join(state, 'locks'),
    site: join(state, 'site'),
  };
  let key: Promise<Buffer> | undefined;
  return {
    dir,
    configPath,
    config,
    lists: await readLists(dir, config),
    overrides,
    lake: options.openStore(paths.lake),
    paths,
    env,
    identifierKey: () => {
      key ??= readIdentifierKey(config, dir, env);
      return key;
    },
  };
}

async function importConfig(configPath: string): Promise<unknown> {
  try {
    await readFile(configPath);
  } catch (cause) {
    throw new UsageError(`no ${configFileName} in ${dirname(configPath)}`, {
      mend: 'go to the folder of your company, name it with --dir, or make one with `percorso init DIR`',
      cause,
    });
  }
  // A company's folder has no node_modules: `percorso` is given to it here. Caches would hide an edit.
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    moduleCache: false,
    virtualModules: { percorso: { defineConfig } },
  });
  try {
    return await jiti.import(configPath, { default: true });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${configPath} cannot be read: ${message}`, {
      mend: 'correct the file; it must be TypeScript with `export default defineConfig({ ... })`',
      cause,
    });
  }
}

const keyBytes = 32;

/**
 * A lost key would make every person a stranger, so it is made once, whole, and never replaced.
 * @throws PercorsoError where the key is there but unusable.
 */
async function readIdentifierKey(config: Config, dir: string, env: NodeJS.ProcessEnv): Promise<Buffer> {
  const { identifierKeyEnv, identifierKeyFile } = config.secrets;
  const fromEnv = env[identifierKeyEnv];
  if (fromEnv !== undefined && fromEnv !== '')
    return decodeIdentifierKey(fromEnv, `the environment variable ${identifierKeyEnv}`);
  const file = isAbsolute(identifierKeyFile) ? identifierKeyFile : join(dir, identifierKeyFile);
  const existing = await readIfThere(file);
  if (existing !== undefined) return decodeIdentifierKey(existing, file);
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(keyBytes).toString('hex')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    // A link, unlike a rename, lets the first of two processes win.
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return decodeIdentifierKey((await readIfThere(file)) ?? '', file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
