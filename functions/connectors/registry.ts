import type { FileConnector } from '#connectors/file-connector';
import { connectorModules, modulesIn } from '#connectors/registry-modules';

function isConnector(value: unknown): value is FileConnector {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['recognise', 'numberColumns', 'open'].every(
      (name) => name in value && typeof Reflect.get(value, name) === 'function',
    )
  );
}

function connectorsOf(modules: readonly unknown[]): FileConnector[] {
  return modules.flatMap((module) =>
    typeof module === 'object' && module !== null ? Object.values(module).filter(isConnector) : [],
  );
}

/** The connectors that the files of a folder export. A new one is a new file: nothing is registered. */
export async function connectorsIn(folder: string): Promise<FileConnector[]> {
  return connectorsOf(await modulesIn(folder));
}

/** The file shapes that are known by their header. The first that recognises a file reads it, those of general columns last. */
export const fileConnectors: readonly FileConnector[] = connectorsOf(connectorModules).sort(
  (a, b) => Number(a.isGeneral ?? false) - Number(b.isGeneral ?? false),
);
