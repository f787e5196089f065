import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where this program stands: names of its files begin there. */
export const programFolder = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Hashes what each solver runs: its own source with all of this program that it imports, as a bundler puts them together, so
 * that a comment or a function that it does not call changes nothing; and the SQL that solvers run in rounds.
 * @param files the solvers' files below `program`. @returns the hashes by file.
 */
export async function hashSolverSources(
  files: readonly string[],
  roundsIn: string,
  program: string = programFolder,
): Promise<Map<string, string>> {
  if (files.length === 0) return new Map();
  // A Lambda has neither the sources nor the bundler: what this gives is packed for it.
  const { build } = await import('esbuild');
  const names = (await readdir(roundsIn).catch(() => [])).filter((name) => name.endsWith('.sql')).sort();
  const rounds = await Promise.all(names.map((name) => readFile(join(roundsIn, name), 'utf8')));
  const hashes = await Promise.all(
    [...new Set(files)].map(async (file) => {
      const { outputFiles } = await build({
        entryPoints: [file],
        absWorkingDir: program,
        bundle: true,
        write: false,
        // Its comments would name files, and what stands in them is not what runs.
        minifyWhitespace: true,
        legalComments: 'none',
        format: 'esm',
        platform: 'node',
        packages: 'external',
        logLevel: 'silent',
      });
      const hash = createHash('sha256').update(JSON.stringify([outputFiles.map(({ text }) => text), names, rounds]));
      return [file, hash.digest('hex').slice(0, 32)] as const;
    }),
  );
  return new Map(hashes);
}
