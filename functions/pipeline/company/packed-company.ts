import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import type { Config } from '#core/config';
import { RefusedError } from '#core/errors';
import type { CompanyLists } from '#core/setting-tables';
import { parseConfig } from '#core/settings';
import { readLists } from '#pipeline/company/company-lists';

/** What of a company travels with a handler that has no folder of its own: what decides how records are judged. */
export interface PackedCompany {
  config: Config;
  lists: CompanyLists;
  /** Absolute. */
  mappingsDir: string;
}

const configFile = 'percorso.config.json';
const mappingsFolder = 'mappings';

/** The lists that stand beside a configuration, as it names them. */
const listFiles = ({ money, web }: Config) => [
  money.fixedCostsFile,
  money.fxRatesFile,
  money.vatFile,
  money.invoicesFile,
  web.campaignsFile,
  web.channelRulesFile,
];

/**
 * Writes a company's configuration, lists and mappings into a folder, where `readPackedCompany` finds them. No secret is
 * among them.
 * @throws RefusedError where the configuration names a list outside of the company's folder.
 */
export async function packCompany(
  company: { dir: string; config: Config; paths: { mappings: string } },
  into: string,
): Promise<void> {
  await mkdir(join(into, mappingsFolder), { recursive: true });
  await writeFile(join(into, configFile), JSON.stringify(company.config));
  for (const file of new Set(listFiles(company.config))) {
    if (isAbsolute(file) || normalize(file).startsWith('..')) {
      throw new RefusedError(`the list ${file} lies outside of ${company.dir}`, {
        mend: 'move it into the folder of the company: what stands there is deployed',
      });
    }
    if (!existsSync(join(company.dir, file))) continue;
    await mkdir(dirname(join(into, file)), { recursive: true });
    await copyFile(join(company.dir, file), join(into, file));
  }
  const names = existsSync(company.paths.mappings) ? await readdir(company.paths.mappings) : [];
  for (const name of names.filter((file) => /\.ya?ml$/i.test(file))) {
    await copyFile(join(company.paths.mappings, name), join(into, mappingsFolder, name));
  }
}

/** @throws UsageError or RefusedError where what was packed is not what this version of Percorso reads. */
export async function readPackedCompany(dir: string): Promise<PackedCompany> {
  const file = join(dir, configFile);
  const config = parseConfig(JSON.parse(await readFile(file, 'utf8')), file);
  return { config, lists: await readLists(dir, config), mappingsDir: join(dir, mappingsFolder) };
}
