import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The modules of a folder's files, in the order of their names; those of the registry are none. */
export async function modulesIn(folder: string): Promise<unknown[]> {
  const files = readdirSync(folder).filter(
    (name) => /^\.(ts|m?js)$/.test(extname(name)) && !/^registry[.-]/.test(name),
  );
  return Promise.all(files.sort().map((name): Promise<unknown> => import(pathToFileURL(join(folder, name)).href)));
}

/** What the files beside this one export. A bundle has no folder: what makes one puts its files' names in the place of this. */
export const connectorModules: readonly unknown[] = await modulesIn(import.meta.dirname);
