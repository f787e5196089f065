import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { PassThrough, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Unzip, UnzipInflate } from 'fflate';
import { RefusedError } from '#core/errors';

/** A file, or one member of a zip, as the bytes that it holds once unpacked. May be read any number of times. */
export interface FileContent {
  /** As people are told of it: the file's name, with the member's where it lies in a zip. Never a whole path. */
  name: string;
  /** The name that globs of mappings are held against: without .gz. */
  fileName: string;
  /** Where the bytes stand as they are, uncompressed; undefined where they are packed. */
  path: string | undefined;
  bytes(): AsyncIterable<Buffer>;
}

export interface ByteLimits {
  /** A file that unpacks to more than this is refused: it is a bomb, or should come in parts. */
  unpackedBytes: number;
}
const defaultLimits: ByteLimits = { unpackedBytes: 16 * 2 ** 30 };

async function beginsWith(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * The contents of a file: itself, what its gzip holds, or each file of its zip.
 * @throws RefusedError where the zip holds nothing, is encrypted or is a spreadsheet. Broken packing shows when it is read.
 */
export async function fileContents(path: string, limits: ByteLimits = defaultLimits): Promise<FileContent[]> {
  const name = basename(path);
  const magic = (await beginsWith(path)).toString('latin1');
  if (magic.startsWith('\x1f\x8b')) {
    return [
      { name, fileName: name.replace(/\.gz$/i, ''), path: undefined, bytes: () => gunzipped(path, name, limits) },
    ];
  }
  if (magic !== 'PK\x03\x04' && magic !== 'PK\x05\x06') {
    return [{ name, fileName: name, path, bytes: () => createReadStream(path, { highWaterMark: 1 << 18 }) }];
  }
  const members = await zipMembers(path, name);
  if (members.includes('[Content_Types].xml')) {
    throw new RefusedError(`${name} is a spreadsheet (xlsx), not a table in text`, {
      mend: 'open it and save the sheet as "CSV UTF-8", then import that',
    });
  }
  const files = members.filter((member) => !member.endsWith('/') && !/(^|\/)(__MACOSX\/|\._|\.DS_Store)/.test(member));
  if (files.length === 0) throw new RefusedError(`${name} is a zip without a file in it`);
  return files.map((member) => ({
    name: `${name}/${member}`,
    fileName: basename(member),
    path: undefined,
    bytes: () => unzipped(path, name, member, limits),
  }));
}

async function* gunzipped(path: string, name: string, limits: ByteLimits): AsyncGenerator<Buffer> {
  const unpacked = new PassThrough();
  // The pipeline's end is awaited through the iteration, which throws what broke it.
  const gunzip = createGunzip({ chunkSize: 1 << 17 });
  pipeline(createReadStream(path, { highWaterMark: 1 << 17 }), gunzip, unpacked, () => {});
  let total = 0;
  try {
    for await (const chunk of unpacked) {
      const bytes: Buffer = chunk;
      total += bytes.length;
      if (total > limits.unpackedBytes) throw tooLarge(name, limits);
      yield bytes;
    }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_')) {
      throw new RefusedError(`${name} is a broken gzip: ${cause.message}`, {
        mend: 'fetch the file again; it was cut off or damaged on its way',
        cause,
      });
    }
    throw cause;
  }
}

function tooLarge(name: string, limits: ByteLimits): RefusedError {
  const gigabytes = limits.unpackedBytes / 2 ** 30;
  return new RefusedError(
    `${name} unpacks to more than ${gigabytes >= 1 ? `${gigabytes} GB` : `${limits.unpackedBytes} bytes`}`,
    {
      mend: 'unpack it yourself and import it in parts, if it is what you think it is',
    },
  );
}

function brokenZip(name: string, cause?: unknown): RefusedError {
  const why = cause instanceof Error ? `: ${cause.message}` : ': it ends too early';
  return new RefusedError(`${name} is a broken zip${why}`, {
    mend: 'fetch the file again; it was cut off or damaged on its way, or it is encrypted',
    cause,
  });
}

async function zipMembers(path: string, name: string): Promise<string[]> {
  const members: string[] = [];
  const unzip = new Unzip((file) => {
    members.push(file.name);
  });
  unzip.register(UnzipInflate);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) unzip.push(chunk, false);
    unzip.push(new Uint8Array(), true);
  } catch (cause) {
    throw brokenZip(name, cause);
  }
  return [...new Set(members)];
}

async function* unzipped(path: string, name: string, member: string, limits: ByteLimits): AsyncGenerator<Buffer> {
  const ready: Buffer[] = [];
  let failure: unknown;
  let isWhole = false;
  let total = 0;
  const unzip = new Unzip((file) => {
    if (file.name !== member || isWhole) return;
    file.ondata = (error, chunk, final) => {
      failure ??= error ?? undefined;
      if (chunk !== undefined && chunk !== null) {
        ready.push(Buffer.from(chunk));
        total += chunk.length;
      }
      isWhole ||= final;
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  const source = createReadStream(path, { highWaterMark: 1 << 16 });
  const push = (chunk: Uint8Array, isLast: boolean) => {
    try {
      unzip.push(chunk, isLast);
    } catch (cause) {
      failure ??= cause;
    }
  };
  for await (const chunk of source) {
    push(chunk, false);
    if (failure !== undefined) throw brokenZip(name, failure);
    if (total > limits.unpackedBytes) throw tooLarge(name, limits);
    yield* ready.splice(0);
    if (isWhole) return;
  }
  push(new Uint8Array(), true);
  yield* ready.splice(0);
  if (failure !== undefined || !isWhole) throw brokenZip(name, failure);
}

export type Encoding = 'utf-8' | 'windows-1252' | 'utf-16le' | 'utf-16be';

/** What one reading of all bytes tells, before any row is taken. */
export interface Examined {
  /** sha256 of the unpacked bytes, hex: the same content is the same import, packed or not. */
  contentHash: string;
  bytes: number;
  kind: 'text' | 'parquet';
  encoding: Encoding;
  /** The beginning as text, up to 256 KB, without byte order mark. */
  head: string;
  /** Whether `head` is the whole file. */
  isWholeInHead: boolean;
  /** Whether the last line has its line break: where it has none, the file may have been cut off. */
  endsWithLineBreak: boolean;
}

const headBytes = 1 << 18;

/**
 * Reads all bytes once: hash, encoding, and whether anything forbids to take the file.
 * @param wanted the encoding where a mapping names it.
 * @throws RefusedError for an empty or binary file, a broken gzip or zip, an encoding that is none we know.
 */
export async function examine(content: FileContent, wanted?: 'utf-8' | 'windows-1252'): Promise<Examined> {
  const hash = createHash('sha256');
  const head: Buffer[] = [];
  let total = 0;
  let last: Buffer = Buffer.alloc(0);
  let check: ReturnType<typeof utf8Check> | undefined;
  let isPlainText = false;
  for await (const chunk of content.bytes()) {
    if (total === 0) {
      isPlainText = !isParquet(chunk) && utf16(chunk) === undefined;
      if (isPlainText) check = utf8Check(content.name);
    }
    hash.update(chunk);
    if (total < headBytes) head.push(chunk);
    if (isPlainText) {
      refuseBinary(chunk, content.name, total < headBytes);
      check?.add(chunk);
    }
    total += chunk.length;
    last = chunk.length >= 4 ? chunk.subarray(-4) : Buffer.concat([last, chunk]).subarray(-4);
  }
  if (total === 0) throw new RefusedError(`${content.name} is empty`, { mend: 'export it again' });
  const begin = Buffer.concat(head).subarray(0, headBytes);
  const base = { contentHash: hash.digest('hex'), bytes: total, isWholeInHead: total <= headBytes };
  if (isParquet(begin)) {
    if (!isParquet(last)) throw brokenParquet(content.name);
    return { ...base, kind: 'parquet', encoding: 'utf-8', head: '', endsWithLineBreak: true };
  }
  const encoding = utf16(begin) ?? wanted ?? check?.encoding() ?? 'utf-8';
  if (encoding === 'utf-8' && check?.encoding() !== 'utf-8' && wanted === 'utf-8') {
    throw new RefusedError(`${content.name} is not UTF-8, as its mapping says`, {
      mend: 'write `encoding: windows-1252` under `format` in the mapping',
    });
  }
  const decoder = new TextDecoder(encoding);
  return {
    ...base,
    kind: 'text',
    encoding,
    head: decoder.decode(begin, { stream: true }),
    endsWithLineBreak: /[\r\n]/.test(last.subarray(-2).toString('latin1')),
  };
}

export function brokenParquet(name: string, cause?: unknown): RefusedError {
  return new RefusedError(`${name} is a broken Parquet file`, { mend: 'fetch or export the file again', cause });
}

function isParquet(bytes: Buffer): boolean {
  const at = bytes.length >= 4 ? bytes.subarray(0, 4).toString('latin1') : '';
  return at === 'PAR1';
}

function utf16(bytes: Buffer): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
}

function refuseBinary(chunk: Buffer, name: string, isBegin: boolean): void {
  let isBinary = chunk.includes(0);
  if (isBegin && !isBinary) {
    for (const byte of chunk) {
      // Below the blank only tab, line feed, vertical tab, form feed, carriage return and Ctrl-Z stand in texts.
      if (byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1a)) {
        isBinary = true;
        break;
      }
    }
  }
  if (!isBinary) return;
  throw new RefusedError(`${name} is a binary file, not a table`, {
    mend: 'import CSV, JSON Lines, JSON or Parquet (plain, gzip or zip); save a spreadsheet as "CSV UTF-8"',
  });
}

const wideUtf8 = /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g;
/** The five places that Windows-1252 leaves empty. */
const noWindows = /[\x81\x8d\x8f\x90\x9d]/;

/** UTF-8 or Windows-1252, over chunks: a character may be cut by the end of a chunk, or by the end of a cut-off file. */
function utf8Check(name: string) {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let isUtf8 = true;
  let isWindows = true;
  let wide = 0;
  let stray = 0;
  return {
    add(chunk: Buffer): void {
      const bytes = isAscii(chunk) ? '' : chunk.toString('latin1');
      if (isWindows && noWindows.test(bytes)) isWindows = false;
      if (!isUtf8) return;
      try {
        decoder.decode(chunk, { stream: true });
        if (bytes !== '') wide += 1;
      } catch {
        isUtf8 = false;
        const rest = bytes.replace(wideUtf8, () => {
          wide += 1;
          return '';
        });
        stray = rest.match(/[\x80-\xff]/g)?.length ?? 0;
      }
    },
    encoding(): 'utf-8' | 'windows-1252' {
      if (isUtf8) return 'utf-8';
      if (isWindows && wide <= stray) return 'windows-1252';
      throw new RefusedError(
        wide > stray
          ? `${name} is UTF-8 in one part and not in another`
          : `the encoding of ${name} is unknown: neither UTF-8 nor Windows-1252`,
        { mend: 'save it as UTF-8; or, if you know that it is Windows-1252, write so under `format` in a mapping' },
      );
    },
  };
}

/** The bytes as text, in pieces. */
export async function* decoded(content: FileContent, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of content.bytes()) yield decoder.decode(chunk, { stream: true });
}

/** Whether a path is a folder, a file, or nothing. */
export async function pathKind(path: string): Promise<'folder' | 'file' | 'none'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'none';
  }
}
