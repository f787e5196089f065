import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from '#adapters/file-lock';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-lock-'));
  file = join(dir, 'locks', 'build.lock');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a second piece of work is refused while the first is under way, and may follow it', async () => {
  await withLock(file, 'a build', async () => {
    await expect(withLock(file, 'a build', async () => 1)).rejects.toThrow('a build is already under way');
  });
  expect(await withLock(file, 'a build', async () => 2)).toBe(2);
  expect(await readdir(join(dir, 'locks'))).toEqual([]);
});

test('work that fails gives the lock back', async () => {
  const failing = withLock(file, 'a build', async () => {
    throw new Error('broke');
  });
  await expect(failing).rejects.toThrow('broke');
  expect(await readdir(join(dir, 'locks'))).toEqual([]);
});

test('the lock of a process that died is taken over', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  await withLock(file, 'a build', async () => {});
  const holder = { pid: child.pid, host: hostname(), started: '', since: 'then' };
  await writeFile(file, JSON.stringify(holder));
  await expect(withLock(file, 'a build', async () => 1)).rejects.toThrow(`process ${child.pid}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await withLock(file, 'a build', async () => 3)).toBe(3);
});

test('a lock whose process number now belongs to another process is taken over', async () => {
  await withLock(file, 'a build', async () => {});
  const holder = { pid: process.pid, host: hostname(), started: '1', since: 'then' };
  await writeFile(file, JSON.stringify(holder));
  const attempt = withLock(file, 'a build', async () => 4);
  // Only Linux tells when a process started.
  if (process.platform === 'linux') expect(await attempt).toBe(4);
  else await expect(attempt).rejects.toThrow('under way');
});

test('a lock that is cut off is taken over', async () => {
  await withLock(file, 'a build', async () => {});
  await writeFile(file, '{"pid": 1');
  expect(await withLock(file, 'a build', async () => 5)).toBe(5);
});
