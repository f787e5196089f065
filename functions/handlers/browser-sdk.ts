import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** Parts of Segment's SDK for its own remote destinations, which a door of ours never names. */
const unused =
  /(?:vendor\/tsub\/tsub|@segment\/analytics\.js-video-plugins|plugins\/ajs-destination)$|\/ajs-destination\/?$/;

/** The script in each form that a browser may take. */
export interface BrowserSdk {
  etag: string;
  plain: Buffer;
  br: Buffer;
  gzip: Buffer;
}

/** Bundles the browser SDK of `GET /percorso.js`. Takes a part of a second; its caller keeps it. */
async function bundle(): Promise<BrowserSdk> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./percorso-page.js', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2020',
    write: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'without-remote-destinations',
        setup(build) {
          build.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'unused' }));
          build.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
        },
      },
    ],
  });
  const plain = Buffer.from(outputFiles[0]?.contents ?? new Uint8Array());
  return {
    etag: tagOf(plain),
    plain,
    br: brotliCompressSync(plain),
    gzip: gzipSync(plain, { level: 9 }),
  };
}

let bundled: Promise<BrowserSdk> | undefined;

/** The browser SDK, bundled once in a process; a failure is tried again by the next request. */
export function browserSdk(): Promise<BrowserSdk> {
  bundled ??= bundle().catch((error: unknown) => {
    bundled = undefined;
    throw error;
  });
  return bundled;
}

const forms = { plain: 'percorso.js', br: 'percorso.js.br', gzip: 'percorso.js.gz' } as const;
const tagOf = (plain: Buffer) => createHash('sha256').update(plain).digest('hex').slice(0, 24);

/** Writes the script's forms into a folder, for a door that cannot bundle. */
export async function writeBrowserSdk(folder: string): Promise<void> {
  const sdk = await browserSdk();
  for (const form of ['plain', 'br', 'gzip'] as const) await writeFile(join(folder, forms[form]), sdk[form]);
}

/** Reads what `writeBrowserSdk` wrote. */
export async function readBrowserSdk(folder: string): Promise<BrowserSdk> {
  const [plain, br, gzip] = await Promise.all([
    readFile(join(folder, forms.plain)),
    readFile(join(folder, forms.br)),
    readFile(join(folder, forms.gzip)),
  ]);
  return { etag: tagOf(plain), plain, br, gzip };
}
