import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refuseLinkedPackages } from '#pipeline/site/dashboards';

const installer = new URL('../../bin/install.js', import.meta.url).href;
const runFile = promisify(execFile);
let dir: string;
let others: string;
const modules = () => join(dir, 'here', 'node_modules');

/** A checkout here without packages, another one with some, and an npm that does as `npm ci` does: it empties, then fills. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-install-'));
  others = join(dir, 'there', 'node_modules');
  for (const folder of [join(dir, 'bin'), join(dir, 'here'), others]) await mkdir(folder, { recursive: true });
  await writeFile(join(dir, 'here', 'package-lock.json'), '{}');
  await writeFile(join(others, 'theirs.js'), 'theirs');
  const npm = join(dir, 'bin', 'npm');
  await writeFile(
    npm,
    '#!/bin/sh\nmkdir -p node_modules && rm -rf node_modules/* && echo ours > node_modules/ours.js\n',
  );
  await chmod(npm, 0o755);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function install(): Promise<{ code: number; stderr: string }> {
  const line = `import { installMissing } from ${JSON.stringify(installer)}; await installMissing(${JSON.stringify(join(dir, 'here'))}, 'percorso');`;
  const env = { ...process.env, PATH: `${join(dir, 'bin')}:${process.env.PATH}` };
  try {
    const { stderr } = await runFile(process.execPath, ['--input-type=module', '-e', line], { env });
    return { code: 0, stderr };
  } catch (error) {
    return error as { code: number; stderr: string };
  }
}

describe.skipIf(process.platform === 'win32')('packages are installed', () => {
  test('once, into a folder of their own', async () => {
    await refuseLinkedPackages(modules());
    expect(await install()).toMatchObject({ code: 0, stderr: expect.stringContaining('installing packages (once)') });
    expect((await readdir(modules())).sort()).toEqual(['.percorso-installed', 'ours.js']);
    expect(await install()).toEqual({ code: 0, stderr: '' });
  });

  test.each([
    ['another checkout', () => others],
    ['another checkout, from where the link lies', () => '../there/node_modules'],
    ['nothing', () => join(dir, 'gone')],
  ])('never through a link to %s', async (_, target) => {
    await symlink(target(), modules());
    const { code, stderr } = await install();
    expect(code).toBe(1);
    expect(stderr).toContain(`percorso: ${modules()} is a symbolic link to ${dir}`);
    expect(stderr).toContain('mend: remove the link');
    expect(await readdir(others)).toEqual(['theirs.js']);
    // `percorso dashboards build` installs by itself.
    await expect(refuseLinkedPackages(modules())).rejects.toThrow(`${modules()} is a symbolic link to ${dir}`);
  });

  test('not at all where a link leads to just what the lockfile names', async () => {
    await install();
    await writeFile(join(others, '.percorso-installed'), await readFile(join(modules(), '.percorso-installed')));
    await rm(modules(), { recursive: true });
    await symlink(others, modules());
    expect(await install()).toEqual({ code: 0, stderr: '' });
    expect(await readdir(others)).toContain('theirs.js');
  });
});
