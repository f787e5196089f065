import { open, readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import * as z from 'zod';
import { RefusedError } from '#core/errors';
import type { Warehouse } from '#core/ports';
import type { Sealing } from '#core/sealing';
import { quoteText } from '#core/sql-text';
import { readVaultEntry } from '#pipeline/arrivals/vault-objects';
import { fileContents } from '#pipeline/imports/file-bytes';
import type { PersonFinder } from '#pipeline/people/erase-finder';

export interface Proof {
  /** Files looked into. */
  files: number;
  /** Files that hold the person still, relative to the company's folder. */
  held: string[];
}

export interface ProofRequest {
  dir: string;
  finder: PersonFinder;
  sealing: Sealing;
  /** Opens the addresses of the vault; asked for only where it holds any. */
  openAddress(): Promise<(sealed: string) => string>;
  /** Files and folders that are not looked into, relative to `dir`: the key, the erasure's own notes. */
  except: readonly string[];
  /** What happened later than this is a new story and may be there. */
  erasedAt: string;
  warehouse(): Promise<Warehouse>;
}

const expand = promisify(brotliDecompress);
const refusedLine = z.object({ original: z.string() });
const eventLine = z.object({ occurred_at: z.string() });

/**
 * Looks into every file of a company's folder: packed ones unpacked, Parquet read by the engine, sealed originals opened.
 * Files that the doors and builds wrote hold plain identifiers and keyed hashes only; all others are searched for
 * addresses and numbers in any form.
 */
export async function proveErased(request: ProofRequest): Promise<Proof> {
  const proof: Proof = { files: 0, held: [] };
  let warehouse: Warehouse | undefined;
  try {
    for (const path of await filesUnder(request.dir)) {
      const name = relative(request.dir, path).split(sep).join('/');
      if (request.except.some((one) => name === one || name.startsWith(`${one}/`))) continue;
      proof.files += 1;
      if (await isParquet(path)) {
        warehouse ??= await request.warehouse();
        if (await parquetHolds(path, name, request, warehouse)) proof.held.push(name);
      } else if (request.finder.holds(name) || (await fileHolds(path, name, request))) proof.held.push(name);
    }
  } finally {
    await warehouse?.close();
  }
  return proof;
}

async function filesUnder(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isFile()) files.push(path);
    else if (entry.isDirectory() && entry.name !== 'node_modules') files.push(...(await filesUnder(path)));
  }
  return files.sort();
}

async function isParquet(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === 'PAR1';
  } finally {
    await handle.close();
  }
}

const isOurs = (name: string) => /^(?:lake\/(?:raw|marts)|\.percorso\/site)\//.test(name);

async function parquetHolds(path: string, name: string, request: ProofRequest, warehouse: Warehouse): Promise<boolean> {
  const rows = `select cast(to_json(row_of_file) as varchar) as line from read_parquet(${quoteText(path)}) as row_of_file`;
  if (isOurs(name)) {
    const matches = async (pattern: string) => {
      const [found] = await warehouse.query(
        `select count(*) as held from (${rows}) as lines where regexp_matches(lower(line), ${quoteText(pattern)})`,
      );
      return Number(found?.held ?? 0) > 0;
    };
    // An engine takes longer to read a pattern with classes of letters than to search a small file by it, once for each file.
    return (await matches(request.finder.sqlAnywhere)) && matches(request.finder.sql);
  }
  return (await warehouse.query(rows)).some((row) => request.finder.holds(String(row.line)));
}

async function fileHolds(path: string, name: string, request: ProofRequest): Promise<boolean> {
  const { finder, sealing, erasedAt } = request;
  const test = isOurs(name) ? finder.says : finder.holds;
  if (name.startsWith('lake/rejected/')) {
    return someLine(path, (line) => {
      if (test(line)) return true;
      const { original } = refusedLine.parse(JSON.parse(line));
      return finder.holds(Buffer.from(sealing.open(original), 'base64').toString('utf8'));
    });
  }
  if (name.startsWith('lake/vault/')) {
    const open = await request.openAddress();
    return someLine(path, (line) => {
      const { address } = readVaultEntry(line);
      return finder.says(line) || (address !== undefined && finder.holds(open(address)));
    });
  }
  if (name.startsWith('lake/raw/events/')) {
    return someLine(path, (line) => test(line) && eventLine.parse(JSON.parse(line)).occurred_at <= erasedAt);
  }
  if (name.endsWith('.br')) return finder.says((await expand(await readFile(path))).toString('utf8'));
  return somePart(path, test);
}

async function* textOf(path: string): AsyncGenerator<string> {
  for (const content of await fileContents(path).catch((error: unknown) => unreadable(error, path))) {
    let decoder: InstanceType<typeof TextDecoder> | undefined;
    for await (const bytes of content.bytes()) {
      decoder ??= new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8');
      yield decoder.decode(bytes, { stream: true });
    }
    yield `${decoder?.decode() ?? ''}\n`;
  }
}

/** A packed file of a kind that cannot be opened (a spreadsheet) is left to the person who put it there. */
function unreadable(error: unknown, path: string): [] {
  if (error instanceof RefusedError) {
    throw new RefusedError(`${path} cannot be searched: ${error.message}`, {
      mend: 'look into it yourself, remove it from the folder, and run the command again',
    });
  }
  throw error;
}

async function someLine(path: string, test: (line: string) => boolean): Promise<boolean> {
  let rest = '';
  for await (const part of textOf(path)) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    if (lines.some((line) => line !== '' && test(line))) return true;
  }
  return rest !== '' && test(rest);
}

/** Parts overlap, so that nothing is missed where they are cut. */
async function somePart(path: string, test: (text: string) => boolean): Promise<boolean> {
  const size = 1 << 20;
  const overlap = 2048;
  let held = '';
  for await (const part of textOf(path)) {
    held += part;
    while (held.length > size) {
      if (test(held.slice(0, size))) return true;
      held = held.slice(size - overlap);
    }
  }
  return test(held);
}
