import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FileConnector } from '#connectors/file-connector';

function isConnector(value: unknown): value is FileConnector {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['recognise', 'numberColumns', 'open'].every(
      (name) => name in value && typeof Reflect.get(value, name) === 'function',
    )
  );
}

/** The connectors that the files of a folder export. A new one is a new file: nothing is registered. */
export async function connectorsIn(folder: string): Promise<FileConnector[]> {
  const files = readdirSync(folder).filter(
    (name) => /^\.(ts|m?js)$/.test(extname(name)) && !name.startsWith('registry.'),
  );
  const modules = await Promise.all(
    files.sort().map((name): Promise<unknown> => import(pathToFileURL(join(folder, name)).href)),
  );
  return modules.flatMap((module) =>
    typeof module === 'object' && module !== null ? Object.values(module).filter(isConnector) : [],
  );
}

/** The file shapes that are known by their header. The first that recognises a file reads it, those of general columns last. */
export const fileConnectors: readonly FileConnector[] = (await connectorsIn(import.meta.dirname)).sort(
  (a, b) => Number(a.isGeneral ?? false) - Number(b.isGeneral ?? false),
);
