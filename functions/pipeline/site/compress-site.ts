import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

const compress = promisify(brotliCompress);
const kinds = new Set(['.html', '.js', '.css', '.json', '.svg', '.wasm', '.arrow', '.parquet', '.txt']);
const least = 1024;
const large = 2_000_000;

/**
 * Writes a brotli copy (`.br`) beside each file of a site that gains from one, so that a server need not compress.
 * Copies that are younger than their file stay: the engine's 34 MB are pressed once, not at each new data.
 * @returns how many copies were written.
 */
export async function compressSite(dir: string): Promise<number> {
  let written = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !kinds.has(extname(entry.name))) continue;
    const file = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(file);
    if (size < least) continue;
    const copy = await stat(`${file}.br`).catch(() => undefined);
    if (copy !== undefined && copy.mtimeMs >= mtimeMs) continue;
    const quality = size > large ? 5 : 9;
    const pressed = await compress(await readFile(file), {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: size },
    });
    await writeFile(`${file}.br`, pressed);
    written++;
  }
  return written;
}
