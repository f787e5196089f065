import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createJiti } from 'jiti';
import { type Config, defineConfig } from '#core/config';
import { UsageError } from '#core/errors';
import type { IdentifierKey } from '#core/identifier-key';
import type { Store } from '#core/ports';
import type { CompanyLists } from '#core/setting-tables';
import { parseConfig, parseOverrides } from '#core/settings';
import { createVaultSealer, type VaultKey } from '#core/vault-sealing';
import { readLists } from '#pipeline/company/company-lists';
import { addIdentifierSecret, readIdentifierKey, readVaultKeys } from '#pipeline/company/keys';

/** One company: the folder that holds its `percorso.config.ts`, and what stands in it. */
export interface Company {
  /** The folder, absolute; with a lake that stands elsewhere, the folder of what is worked with. */
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
  /** The secret of the keyed hashes, read anew at each call: another process may have changed the key. */
  identifierKey(): Promise<IdentifierKey>;
  /**
   * Adds a secret to the key of the hashes, the newest one from now on.
   * @throws UsageError where the key comes from the environment, which no command can change.
   */
  addIdentifierSecret(): Promise<void>;
  /** Where others write into the lake under a key that they read before: for how many ms after it was changed they may. */
  formerKeyMs?: number;
  /** The key of the vault of addresses, and those that were it before. */
  vaultKeys(): Promise<[VaultKey, ...VaultKey[]]>;
  /** Seals an address for the vault; undefined where the company keeps none. */
  sealAddress(): Promise<((address: string) => string) | undefined>;
  /**
   * Does work while nobody builds on this lake from another machine; whoever is on this one, the locks hold back. A call within
   * another is of the same turn.
   * @param on what it works on: on `files` a lake that stands elsewhere is brought here first, as an engine needs it.
   */
  alone<Result>(work: () => Promise<Result>, on?: 'files' | 'objects'): Promise<Result>;
  /** Brings the published tables here, where the lake stands elsewhere and an engine there made them. */
  fetchPublished?(): Promise<void>;
  /**
   * Removes former versions, where the lake keeps such: of what was replaced or removed since this was opened, or of all that
   * lies, or lay, below these prefixes.
   */
  forgetFormerVersions?(below?: readonly string[]): Promise<void>;
}

export interface CompanyOptions {
  dir: string;
  env: NodeJS.ProcessEnv;
  /** `setting=value`, from the command line. */
  set?: readonly string[];
  /** Opens the lake's store at a folder. */
  openStore(root: string): Store;
  /** Where the lake, the state and what lands lie, where that is not the folder itself: a lake elsewhere is worked on there. */
  data?: string;
}

export const configFileName = 'percorso.config.ts';

/**
 * Opens the company of a folder: its configuration checked, its lists read.
 * @throws UsageError where there is no configuration or a setting is wrong; RefusedError where a list is.
 */
export async function loadCompany(options: CompanyOptions): Promise<Company> {
  const { env } = options;
  const configPath = join(options.dir, configFileName);
  const overrides = parseOverrides(options.set ?? []);
  const config = parseConfig(await importConfig(configPath), configPath, overrides);
  const dir = options.data ?? options.dir;
  const state = join(dir, '.percorso');
  const paths = {
    lake: join(dir, 'lake'),
    mappings: join(options.dir, 'mappings'),
    landing: join(dir, 'landing'),
    state,
    spool: join(state, 'spool'),
    work: join(state, 'work'),
    locks: join(state, 'locks'),
    site: join(state, 'site'),
  };
  const lake = options.openStore(paths.lake);
  const keys = { config, dir, env };
  return {
    dir,
    configPath,
    config,
    lists: await readLists(options.dir, config),
    overrides,
    lake,
    paths,
    env,
    identifierKey: () => readIdentifierKey(keys, lake),
    vaultKeys: () => readVaultKeys(keys),
    addIdentifierSecret: () => addIdentifierSecret(keys),
    alone: (work) => work(),
    sealAddress: async () => (config.vault.keep ? createVaultSealer((await readVaultKeys(keys))[0]) : undefined),
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
