import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { createS3Store } from '#adapters/s3-store';
import { runOnTrino } from '#adapters/trino-client';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { readLease } from '#pipeline/builds/lease';
import { readCurrentManifest, requireBuild } from '#pipeline/builds/publish';
import { runProcess } from '../killed-process.ts';
import { runCommand } from '../run-command.ts';
import { startTrino, whatIsMissing } from '../trino/server.ts';
import { compareLakes } from './compare-lakes.ts';
import { costWithoutRate } from './cost-without-rate.ts';
import { startProxy } from './flaky-proxy.ts';
import { startMoto, whatMotoMisses } from './moto.ts';

/*
 * `--on trino`: the commands of a firm with a Trino of its own, on a real one over S3's protocol, with the catalogs that
 * docs/trino.md asks for. The same files are imported and built on this machine, and every published table is compared.
 */
const missing = whatMotoMisses() ?? whatIsMissing();
if (missing !== undefined) process.stderr.write(`skipped: a build on Trino needs ${missing}\n`);

describe.skipIf(missing !== undefined)('--on trino', () => {
  const folder = mkdtempSync(join(tmpdir(), 'percorso-on-trino-'));
  const dir = join(folder, 'demo');
  // What came in at one instant is the same object in both lakes.
  let ahead = () => 0;
  const now = () => new Date(Date.parse('2026-11-29T08:00:00Z') + ahead());
  const before = { ...process.env };
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let trino: Awaited<ReturnType<typeof startTrino>>;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let client: S3Client;
  let bucket: Store;
  let posted = 0;
  const local = () => createFolderStore(join(dir, 'lake'));
  const differences = () => compareLakes(bucket, local(), folder);
  const current = async () => (await readCurrentManifest(bucket))?.build_id;

  const percorso = (...argv: string[]) => runCommand(['--dir', dir, ...argv], { cwd: folder, now });
  async function succeeds(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await percorso(...argv);
    // 1: the bad rows that the demo plants may be all that a small file holds.
    expect(argv.includes('import') ? [0, 1] : [0], stderr).toContain(code);
    return stdout;
  }
  const onTrino = (...argv: string[]) => succeeds(...argv, '--on', 'trino');

  /** What a build makes for itself: schemas of both catalogs, objects, the lease. */
  async function left(): Promise<string[]> {
    const schemas = async (catalog: string) => {
      const { rows } = await runOnTrino({ url: trino.address, catalog, schema: 'x' }, `show schemas from ${catalog}`);
      return rows.map(([name]) => `${catalog}.${String(name)}`).filter((name) => name.includes('percorso_'));
    };
    const holder = (await readLease(bucket))?.holder ?? '';
    return [
      ...(await schemas('iceberg')),
      ...(await schemas('hive')),
      ...(await bucket.list('tables/')),
      ...(holder === '' ? [] : [`the lease of ${holder}`]),
    ];
  }

  beforeAll(async () => {
    moto = await startMoto();
    const s3 = [
      'fs.native-s3.enabled=true',
      `s3.endpoint=${moto.address}`,
      's3.region=us-east-1',
      's3.path-style-access=true',
      's3.aws-access-key=test',
      's3.aws-secret-key=test',
    ];
    // One metastore for both, as a firm's Hive metastore is, kept in files.
    const metastore = ['hive.metastore.catalog.dir=local:///metastore', 'fs.native-local.enabled=true'];
    const of = [...s3, ...metastore, `local.location=${folder}`];
    const starting = startTrino({
      iceberg: ['connector.name=iceberg', 'iceberg.catalog.type=TESTING_FILE_METASTORE', ...of],
      hive: [
        'connector.name=hive',
        'hive.metastore=file',
        'hive.partition-projection-enabled=true',
        'hive.recursive-directories=true',
        'hive.non-managed-table-writes-enabled=true',
        'hive.allow-register-partition-procedure=true',
        ...of,
      ],
    });
    mkdirSync(join(folder, 'metastore'));
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    client = new S3Client({ region: 'us-east-1', endpoint: moto.address, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'acme-lake' }));
    bucket = createS3Store('acme-lake', client);
    const made = await runCommand(['demo', dir, '--customers', '60', '--days', '90', '--no-truth'], { cwd: folder });
    expect(made.code, made.stderr).toBe(0);
    trino = await starting;
    proxy = await startProxy(trino.address);
    proxy.judge(({ method }) => {
      if (method === 'POST') posted += 1;
      return 'pass';
    });
    const config = join(dir, 'percorso.config.ts');
    const setting = `trino: { url: '${proxy.address}', bucket: 'acme-lake', endpoint: '${moto.address}' },`;
    writeFileSync(config, readFileSync(config, 'utf8').replace('defineConfig({', `defineConfig({\n  ${setting}`));
    await succeeds('import', join(dir, 'landing'));
    await onTrino('import', join(dir, 'landing'));
    await trino.ready('select count(*) from iceberg.information_schema.tables');
  }, 600_000);
  afterAll(async () => {
    process.env = before;
    client?.destroy();
    proxy?.stop();
    trino?.stop();
    moto?.stop();
    if (process.env.PERCORSO_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  });

  test('files come in as on this machine, and the demo company comes out so, table by table', async () => {
    for (const prefix of ['raw/', 'rejected/']) expect(await bucket.list(prefix)).toEqual(await local().list(prefix));
    await succeeds('build');
    const began = Date.now();
    await onTrino('build');
    process.stderr.write(`built in ${((Date.now() - began) / 1000).toFixed(1)} s: ${posted} statements\n`);
    const { different, tables, rows } = await differences();
    process.stderr.write(`${tables} published tables compared, ${rows} rows\n`);
    expect(different).toEqual([]);
    expect(await left()).toEqual([]);
    // Nothing has changed since: no table is made.
    const once = await current();
    await onTrino('build');
    expect(await current()).toBe(once);
  }, 900_000);

  test('readers find the tables of the last build', async () => {
    const sql = 'select conversion_type, count(*) as n, sum(revenue) as revenue from conversions group by 1 order by 1';
    expect(await onTrino('query', sql, '--json')).toBe(await succeeds('query', sql, '--json'));
    const file = join(folder, 'orders.csv');
    await onTrino('export', 'conversions', file);
    expect(readFileSync(file, 'utf8').split('\n').length).toBeGreaterThan(5);
    // The lake of this machine stays as it is, and is not asked.
    expect((await requireBuild(local())).build_id).not.toBe(await current());
  });

  test('a night later the build stands on the last one, as on this machine', async () => {
    const day = Array.from({ length: 24 }, (_, i) => ({
      event_type: i % 4 === 0 ? 'Order Completed' : 'Product Viewed',
      event_id: `day-${i}`,
      source: 'shop',
      occurred_at: `2026-11-${String(3 + (i % 6)).padStart(2, '0')}T10:${String(i).padStart(2, '0')}:00+01:00`,
      identifiers: { anonymous_id: `later-${i % 9}` },
      touch: { source: i % 2 === 0 ? 'google' : 'newsletter', medium: i % 2 === 0 ? 'cpc' : 'email' },
      ...(i % 4 === 0
        ? { value: { order_id: `later-${i}`, revenue: (100 + i * 1.1).toFixed(2), currency: 'EUR' } }
        : {}),
    }));
    const lines = day.map((event) => JSON.stringify(event)).join('\n');
    const file = join(folder, 'day.jsonl');
    writeFileSync(file, lines);
    await succeeds('import', file);
    await succeeds('build');
    rmSync(join(dir, 'landing'), { recursive: true });
    mkdirSync(join(dir, 'landing'));
    writeFileSync(join(dir, 'landing', 'day.jsonl'), lines);
    const began = { at: Date.now(), posted };
    await onTrino('nightly');
    process.stderr.write(
      `the day after in ${((Date.now() - began.at) / 1000).toFixed(1)} s: ${posted - began.posted} statements\n`,
    );
    expect([(await requireBuild(local())).kind, (await requireBuild(bucket)).kind]).toEqual(['daily', 'daily']);
    const { different, tables, rows } = await differences();
    process.stderr.write(`${tables} published tables compared, ${rows} rows\n`);
    expect(different).toEqual([]);
    expect(await left()).toEqual([]);
  }, 900_000);

  describe('what goes wrong', () => {
    // A small part of the company, so that each fault takes seconds.
    const part = ['build', '--select', 'costs,fx_days'] as const;

    beforeAll(async () => {
      await succeeds(...part);
    });
    /** A build that must fail: what readers see stays, what it made is gone, and its lease is given back. */
    async function failsWith(text: string | RegExp): Promise<void> {
      const was = await current();
      const { code, stderr } = await percorso(...part, '--on', 'trino');
      expect(code).toBe(1);
      expect(stderr).toMatch(text);
      expect(await current()).toBe(was);
      expect(await left()).toEqual([]);
    }
    async function runsAgain(): Promise<void> {
      const was = await current();
      await onTrino(...part);
      expect(await current()).not.toBe(was);
      expect((await differences()).different).toEqual([]);
      expect(await left()).toEqual([]);
    }

    test('an engine that is gone for a statement is asked again', async () => {
      let number = 0;
      proxy.judge((incoming) => {
        // The first asks for the catalogs, the next two make the schemas.
        if (incoming.method !== 'POST' || ++number !== 8) return 'pass';
        incoming.socket.destroy();
        return 'hang';
      });
      await runsAgain();
      proxy.judge(() => 'pass');
      expect(number).toBeGreaterThan(8);
    }, 300_000);

    test('a statement that fails each time fails the build: nothing is published', async () => {
      const key = 'raw/costs/by_hand/broken.jsonl.gz';
      await bucket.put(key, 'no gzip at all');
      await failsWith(/failed: .*broken\.jsonl\.gz/);
      await bucket.remove(key);
    }, 300_000);

    test('a check of severity error that finds rows: nothing is published, and what it found is told', async () => {
      const { key, body } = costWithoutRate;
      await bucket.put(key, body);
      await failsWith(/money_has_a_rate on fx_days: 1 row\s.*XXX/);
      await bucket.remove(key);
    }, 300_000);

    test('killed half way, its lease over, it is run again to the same tables, and what it left goes', async () => {
      const was = await current();
      const killed = { posted: 0 };
      proxy.judge(({ method }) => {
        if (method === 'POST') killed.posted += 1;
        return 'pass';
      });
      const { code } = await runProcess(['--dir', dir, ...part, '--on', 'trino'], {
        killWhen: async () => killed.posted > 8,
      });
      proxy.judge(() => 'pass');
      expect(code).toBeNull();
      expect(await current()).toBe(was);
      expect((await left()).length).toBeGreaterThan(2);
      const held = await percorso(...part, '--on', 'trino');
      expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining('is under way, or was stopped') });
      // Nobody renews it: 15 minutes later it is over.
      const [key = ''] = await bucket.list(places.leases);
      const lease = JSON.parse(new TextDecoder().decode(await bucket.get(key)));
      await bucket.put(key, JSON.stringify({ ...lease, until: '2026-11-29T07:00:00.000Z' }));
      await runsAgain();
    }, 300_000);
  });

  test('a person is forgotten and the key of the hashes is changed, and nobody else is', async () => {
    // Refreshes are told apart by their time.
    const began = Date.now();
    ahead = () => 3_600_000 + Date.now() - began;
    const totals =
      'select count(*) as n, sum(revenue) as revenue, count(distinct person_id) as persons from conversions';
    const held = async () => {
      const objects = (await bucket.list('')).filter((key) => key.endsWith('.jsonl.gz'));
      const texts = await Promise.all(objects.map(async (key) => gunzipSync((await bucket.get(key)) ?? '').toString()));
      return texts.join('\n');
    };
    const [, hash = ''] = /"email":"(e:[0-9a-f]{24})"/.exec(await held()) ?? [];
    expect(hash).not.toBe('');
    const erased = JSON.parse(await onTrino('erase', hash, '--json'));
    expect(erased).toMatchObject({ isUnknown: false, persons: 1, held: [], held_by_hand: [], moved: [] });
    expect(await held()).not.toContain(hash);
    const was = await onTrino('query', totals, '--json');
    const [, other = ''] = /"email":"(e:[0-9a-f]{24})"/.exec(await held()) ?? [];
    await onTrino('rotate-key');
    expect(await held()).not.toContain(other);
    expect(await onTrino('query', totals, '--json')).toBe(was);
    expect(await left()).toEqual([]);
  }, 300_000);

  test('the door loses nothing that it answered with 200, killed or with the bucket away', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'door-lake' }));
    const lake = createS3Store('door-lake', client);
    const arrived = async () => {
      const objects = await Promise.all((await lake.list('raw/events/')).map((key) => lake.get(key)));
      const lines = objects.flatMap((body) =>
        gunzipSync(body ?? '')
          .toString()
          .trim()
          .split('\n'),
      );
      return lines.map((line) => JSON.parse(line).event_id).sort();
    };
    const front = await startProxy(moto.address);
    const settings = ['trino.bucket=door-lake', `trino.endpoint=${front.address}`].flatMap((one) => ['--set', one]);
    const argv = ['--dir', dir, ...settings, 'collect', '--on', 'trino', '--port', '0', '--every', '3600', '--json'];
    const doors: ChildProcess[] = [];
    const open = async () => {
      const door = spawn(process.execPath, ['bin/percorso.js', ...argv], {
        env: { ...process.env, PERCORSO_KEY_WEB: 'a-key-of-the-page' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      doors.push(door);
      const said = { stderr: '' };
      door.stderr.on('data', (text) => {
        said.stderr += String(text);
      });
      const opened = new Promise<string>((resolve) => door.stdout.once('data', (text) => resolve(String(text))));
      const failed = once(door, 'exit').then(() => Promise.reject(new Error(`the door did not open: ${said.stderr}`)));
      failed.catch(() => undefined);
      const { address } = JSON.parse(await Promise.race([opened, failed]));
      return {
        async send(messageId: string) {
          const event = { messageId, anonymousId: 'a', event: 'Product Viewed', writeKey: 'a-key-of-the-page' };
          const { status } = await fetch(`${address}/v1/track`, { method: 'POST', body: JSON.stringify(event) });
          expect(status).toBe(200);
        },
        async end(signal: 'SIGKILL' | 'SIGTERM') {
          const exited = once(door, 'exit');
          door.kill(signal);
          const [code] = await exited;
          return { code, stderr: said.stderr };
        },
      };
    };
    try {
      const killed = await open();
      await killed.send('one');
      await killed.end('SIGKILL');
      expect(await arrived()).toEqual([]);
      const second = await open();
      expect(await arrived()).toEqual(['one']);
      await second.send('two');
      front.judge(() => 'fail');
      const { code, stderr } = await second.end('SIGTERM');
      expect(code).toBe(1);
      expect(stderr).toMatch(/stopped, and the spool could not be moved into the lake: .*HTTP 503[\s\S]*keep .*spool/);
      front.judge(() => 'pass');
      const third = await open();
      expect(await third.end('SIGTERM')).toMatchObject({ code: 0, stderr: expect.stringContaining('stopped; all') });
      expect(await arrived()).toEqual(['one', 'two']);
    } finally {
      for (const door of doors) door.kill('SIGKILL');
      front.stop();
    }
  });

  test('what is wrong with the settings is said before anything is made', async () => {
    const asked = (...set: string[]) =>
      percorso(...set.flatMap((one) => ['--set', one]), 'build', '--on', 'trino', '--full-refresh');
    expect(await asked('trino.filesCatalog=files')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /shows its user no catalog files; it shows .*hive, iceberg[\s\S]*trino\.filesCatalog/,
      ),
    });
    expect(await asked('trino.url=http://127.0.0.1:9')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('http://127.0.0.1:9 does not answer'),
    });
    expect(await asked('trino.endpoint=http://127.0.0.1:9')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /the bucket acme-lake at http:\/\/127\.0\.0\.1:9 cannot be read: [\s\S]*AWS_ACCESS_KEY_ID/,
      ),
    });
    expect(await percorso('doctor', '--on', 'trino')).toMatchObject({ code: 1 });
    expect(await left()).toEqual([]);
  });
});
