import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOnTrino } from '#adapters/trino-client';

/** The engine behind Athena 3, as released; its memory connector keeps tables for as long as it runs, its others read and write Glue's. */
const version = '476';
const plugins = ['memory', 'hive', 'iceberg'];
/** What stands in the marker of a whole installation. */
const installed = `${version} ${plugins.join(' ')}`;
const cache = join(
  process.env.PERCORSO_CACHE ?? join(homedir(), '.cache', 'percorso'),
  `trino-${version}-${plugins.join('-')}`,
);

/** A Java of 24 or later, or undefined. JAVA_HOME comes first, then PATH, then where Linux keeps its Javas. */
export function findJava(): string | undefined {
  const folders = existsSync('/usr/lib/jvm')
    ? readdirSync('/usr/lib/jvm').map((name) => join('/usr/lib/jvm', name))
    : [];
  const homes = [process.env.JAVA_HOME, ...folders].filter((home) => home !== undefined);
  return [...homes.map((home) => join(home, 'bin', 'java')), 'java'].find((java) => (javaVersion(java) ?? 0) >= 24);
}

function javaVersion(java: string): number | undefined {
  try {
    const said = execFileSync(java, ['-XshowSettings:properties', '-version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return versionIn(said) ?? versionIn(execFileSync(java, ['--version'], { encoding: 'utf8' }));
  } catch {
    return undefined;
  }
}

function versionIn(text: string): number | undefined {
  const found = /(?:openjdk|java)\s+(\d+)/i.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

function isInstalled(): boolean {
  const marker = join(cache, 'complete');
  return existsSync(marker) && readFileSync(marker, 'utf8') === installed;
}

/** What is missing for a real Trino on this machine, in words; undefined where nothing is. */
export function whatIsMissing(): string | undefined {
  if (findJava() === undefined) return 'Java 24 or later';
  if (isInstalled()) return undefined;
  try {
    execFileSync('mvn', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Maven, which brings Trino';
  }
}

/** Fetches the server once, and unpacks the few parts that it needs: most of its 800 MB are connectors. */
function install(): void {
  if (isInstalled()) return;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const artifact = `io.trino:trino-server:${version}:tar.gz`;
  execFileSync('mvn', ['-q', '-B', 'dependency:get', `-Dartifact=${artifact}`, '-Dtransitive=false'], {
    stdio: 'inherit',
  });
  execFileSync(
    'mvn',
    [
      '-q',
      '-B',
      'dependency:copy',
      `-Dartifact=${artifact}`,
      `-DoutputDirectory=${cache}`,
      '-Dmdep.useBaseVersion=true',
    ],
    { stdio: 'inherit', cwd: cache },
  );
  const tarball = join(cache, `trino-server-${version}.tar.gz`);
  // Files of one content stand once in the archive, and others link to them: the names that wanted ones link to are wanted too.
  const listing = execFileSync('tar', ['tvzf', tarball], { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n');
  const needed = new RegExp(`^[^/]+/(lib|plugin/(${plugins.join('|')}))/`);
  const wanted = new Set<string>();
  for (const line of listing) {
    const entry = /^\S+ +\S+ +\d+ +\S+ +\S+ (.+?)(?: link to (.+))?$/.exec(line);
    const name = entry?.[1];
    if (name === undefined || name.endsWith('/') || !needed.test(name)) continue;
    wanted.add(name);
    if (entry?.[2] !== undefined) wanted.add(entry[2]);
  }
  writeFileSync(join(cache, 'wanted'), [...wanted].join('\n'));
  execFileSync('tar', ['xzf', tarball, '-C', cache, '--strip-components=1', '-T', join(cache, 'wanted')]);
  for (const plugin of readdirSync(join(cache, 'plugin'))) {
    if (!plugins.includes(plugin)) rmSync(join(cache, 'plugin', plugin), { recursive: true, force: true });
  }
  rmSync(tarball);
  writeFileSync(join(cache, 'complete'), installed);
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/**
 * Starts a Trino of its own on loopback; resolves once it answers. A catalogue `memory` is always there.
 * @param catalogs more of them: the properties of each, by name.
 */
export async function startTrino(catalogs: Readonly<Record<string, readonly string[]>> = {}): Promise<{
  address: string;
  /** Resolves once a query goes through: one that has just started answers before its only node is known. */
  ready(query: string): Promise<void>;
  stop(): void;
}> {
  const java = findJava();
  if (java === undefined) throw new Error('a real Trino needs Java 24 or later');
  install();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'percorso-trino-'));
  mkdirSync(join(folder, 'catalog'));
  const memory = ['connector.name=memory', 'memory.max-data-per-node=512MB'];
  for (const [catalog, properties] of Object.entries({ memory, ...catalogs })) {
    writeFileSync(join(folder, 'catalog', `${catalog}.properties`), `${properties.join('\n')}\n`);
  }
  writeFileSync(
    join(folder, 'config.properties'),
    [
      'coordinator=true',
      'node-scheduler.include-coordinator=true',
      `http-server.http.port=${port}`,
      `discovery.uri=http://127.0.0.1:${port}`,
      'catalog.management=static',
      // One writer a statement: then the limit of open partitions is exactly what a catalogue says.
      'task.min-writer-count=1',
      'task.max-writer-count=1',
    ].join('\n'),
  );
  const log = join(folder, 'server.log');
  const out = openSync(log, 'w');
  const child = spawn(
    java,
    [
      '-cp',
      join(cache, 'lib', '*'),
      '-server',
      '-Xmx1500M',
      '-XX:+ExitOnOutOfMemoryError',
      // It lives for minutes and meets each statement once: what the second compiler makes faster is never run often enough.
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-Djdk.attach.allowAttachSelf=true',
      '--add-modules=jdk.incubator.vector',
      '--enable-native-access=ALL-UNNAMED',
      '-Dnode.environment=test',
      `-Dnode.id=n${port}`,
      `-Dnode.data-dir=${folder}`,
      `-Dplugin.dir=${join(cache, 'plugin')}`,
      `-Dcatalog.config-dir=${join(folder, 'catalog')}`,
      `-Dconfig=${join(folder, 'config.properties')}`,
      'io.trino.server.TrinoServer',
    ],
    { stdio: ['ignore', out, out] },
  );
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const address = `http://127.0.0.1:${port}`;
  const ready = async (query: string) => {
    for (let tries = 0; ; tries++) {
      try {
        await runOnTrino({ url: address, catalog: 'memory', schema: 'default' }, query);
        return;
      } catch (error) {
        if (tries === 60) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  };
  for (const began = Date.now(); Date.now() - began < 180_000; ) {
    if (child.exitCode !== null) throw new Error(`Trino did not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    const info = await fetch(`${address}/v1/info`)
      .then((answer) => answer.text())
      .catch(() => '');
    if (info.includes('"starting":false')) return { address, ready, stop };
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  stop();
  throw new Error('Trino did not answer within 3 minutes');
}
