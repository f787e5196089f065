import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../trino/server.ts';

/** Speaks the protocols of S3, Glue and Secrets Manager; it is right on conditional writes, where other stand-ins are not. */
const version = '5.2.5';
const cache = join(process.env.PERCORSO_CACHE ?? join(homedir(), '.cache', 'percorso'), `moto-${version}`);
const python = join(cache, 'bin', 'python');

const isInstalled = () => existsSync(join(cache, 'complete'));

/** What is missing for it on this machine, in words; undefined where nothing is. */
export function whatMotoMisses(): string | undefined {
  if (isInstalled()) return undefined;
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Python 3 with venv, which brings moto';
  }
}

function install(): void {
  if (isInstalled()) return;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  execFileSync('python3', ['-m', 'venv', cache], { stdio: 'inherit' });
  const packages = `moto[server,s3,glue,secretsmanager]==${version}`;
  execFileSync(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', packages], { stdio: 'inherit' });
  writeFileSync(join(cache, 'complete'), version);
}

/** Starts one of its own on loopback. It keeps everything in memory and forgets it when stopped. */
export async function startMoto(): Promise<{ address: string; stop(): void }> {
  install();
  const port = await freePort();
  const log: string[] = [];
  const child = spawn(join(cache, 'bin', 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (text) => {
    log.push(String(text));
    if (log.length > 100) log.shift();
  });
  const address = `http://127.0.0.1:${port}`;
  for (const began = Date.now(); Date.now() - began < 60_000; ) {
    if (child.exitCode !== null) throw new Error(`moto did not start:\n${log.join('')}`);
    const answer = await fetch(`${address}/moto-api/`).catch(() => undefined);
    if (answer?.ok) return { address, stop: () => void child.kill('SIGKILL') };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  child.kill('SIGKILL');
  throw new Error('moto did not answer within a minute');
}
