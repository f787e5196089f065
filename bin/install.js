import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Stops with a plain sentence where Node is too old to run anything here. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  process.stderr.write(`Percorso needs Node 20.19 or later; this is ${process.versions.node}.\n`);
  process.exit(2);
}

/** Runs a command to its end, its output shown; resolves to its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', shell: process.platform === 'win32', ...options });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal === null ? code : 1));
  });
}

/**
 * Stops where a folder's packages are a link to others: `npm ci` empties `node_modules` before it fills it, and through a link
 * that would be the folder of another checkout.
 */
function refuseLink(modules, label) {
  if (!lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const target = resolve(modules, '..', readlinkSync(modules));
  process.stderr.write(
    `${label}: ${modules} is a symbolic link to ${target}, and does not hold what the lockfile names: npm ci would empty that folder, which may be another checkout's\n` +
      `  mend: remove the link (not what it points to), and run this again: it installs packages of its own\n`,
  );
  process.exit(1);
}

/**
 * Installs what a folder's lockfile names, unless exactly that is there already. Stops where it would install through a link.
 * @returns whether anything was installed.
 */
export async function installMissing(folder, label) {
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  const modules = join(folder, 'node_modules');
  const stamp = join(modules, '.percorso-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return false;
  refuseLink(modules, label);
  process.stderr.write(`${label}: installing packages (once) ...\n`);
  const started = Date.now();
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  if (code !== 0) {
    process.stderr.write(`${label}: npm ci failed with code ${code}. Is the package registry reachable?\n`);
    process.exit(1);
  }
  writeFileSync(stamp, lock);
  process.stderr.write(`${label}: installed in ${Math.round((Date.now() - started) / 1000)} s\n`);
  return true;
}
