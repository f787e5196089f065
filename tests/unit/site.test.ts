import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serveSite } from '#cli/dashboards';
import { UsageError } from '#core/errors';
import { compressSite } from '#pipeline/site/compress-site';
import { compilerEnvironment } from '#pipeline/site/dashboards';

let dir: string;
const site = () => join(dir, 'site');
const page = `<!doctype html><title>Panoramica</title>${'<p>riga</p>'.repeat(400)}`;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-site-'));
  await mkdir(join(site(), 'channels'), { recursive: true });
  await writeFile(join(site(), 'index.html'), page);
  await writeFile(join(site(), 'channels', 'index.html'), 'short');
  await writeFile(join(dir, 'secret.txt'), 'secret');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('compressed copies', () => {
  test('hold the same bytes, and short files have none', async () => {
    expect(await compressSite(site())).toBe(1);
    expect(brotliDecompressSync(await readFile(join(site(), 'index.html.br'))).toString()).toBe(page);
    await expect(stat(join(site(), 'channels', 'index.html.br'))).rejects.toThrow();
  });

  test('are made again only for a file that has changed since', async () => {
    await compressSite(site());
    expect(await compressSite(site())).toBe(0);
    await writeFile(join(site(), 'index.html'), `${page} new`);
    const later = new Date(Date.now() + 5000);
    await utimes(join(site(), 'index.html'), later, later);
    expect(await compressSite(site())).toBe(1);
    expect(brotliDecompressSync(await readFile(join(site(), 'index.html.br'))).toString()).toContain(' new');
  });
});

describe('the server', () => {
  test('takes the next free port, and serves nothing outside the site', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const running = await serveSite(site(), port);
    try {
      expect(running.port).toBeGreaterThan(port);
      expect(await (await fetch(running.address)).text()).toBe(page);
      expect(await (await fetch(`${running.address}channels/`)).text()).toBe('short');
      for (const path of ['../secret.txt', '..%2fsecret.txt', '%2e%2e/secret.txt', 'none']) {
        const answer = await fetch(running.address + path);
        expect(answer.status).toBe(404);
        expect(await answer.text()).not.toContain('secret');
      }
      expect((await fetch(running.address, { method: 'POST' })).status).toBe(405);
    } finally {
      await running.close();
      taken.close();
    }
  });

  test('sees a site that replaces the old one', async () => {
    const running = await serveSite(site(), 4480);
    try {
      await writeFile(join(site(), 'index.html'), 'new data');
      expect(await (await fetch(running.address)).text()).toBe('new data');
    } finally {
      await running.close();
    }
  });

  test('says how to make a site where there is none', async () => {
    await expect(serveSite(join(dir, 'none'), 4480)).rejects.toThrow(UsageError);
  });
});

describe('the compiler of the pages', () => {
  test('is not told what a shell or a test runner says of itself, and is told where programs and caches are', () => {
    const told = compilerEnvironment({
      PATH: '/bin',
      NODE_ENV: 'test',
      SSR: '',
      MODE: 'test',
      npm_config_cache: '/cache',
    });
    expect(told).toMatchObject({ PATH: '/bin', NODE_ENV: 'production', npm_config_cache: '/cache' });
    expect(Object.keys(told)).not.toContain('SSR');
    expect(Object.keys(told)).not.toContain('MODE');
  });
});
