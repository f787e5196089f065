import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { createMirroredStore } from '#adapters/mirrored-store';
import { createS3Store } from '#adapters/s3-store';
import { main } from '#cli/main';
import type { StoredEvent } from '#core/event';
import type { IdentifierKey } from '#core/identifier-key';
import { createIdentifiers } from '#core/identifiers';
import { lake } from '#core/lake';
import { encodeDelivery, storeDeliveries } from '#pipeline/arrivals/drain';
import { createRawWriter } from '#pipeline/arrivals/store';
import { releaseLease, takeLease } from '#pipeline/builds/lease';
import { decodeIdentifierKey, readHashing } from '#pipeline/company/keys';
import { beginUndo, type ImportEntry } from '#pipeline/imports/import-ledger';
import { storeContract } from '../contract/store-contract.ts';
import { runProcess } from '../killed-process.ts';
import { runCommand } from '../run-command.ts';
import { startMoto, whatMotoMisses } from './moto.ts';

/*
 * What an operator does to a deployment from a machine of his own: `--on aws:test`, on a lake in a versioned bucket. The same
 * commands on the same data in a folder say what must come out.
 */
const missing = whatMotoMisses();
if (missing !== undefined) process.stderr.write(`skipped: commands on AWS need ${missing}\n`);

const region = 'eu-south-1';
const bucket = 'acme-test-lake-123456789012';
const identifierKey = 'ab'.repeat(32);

describe.skipIf(missing !== undefined)('--on aws', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let client: S3Client;
  let folder: string;
  let dir: string;
  const before = { ...process.env };

  let vaultKey = '';

  const run = (...argv: string[]) =>
    runCommand([...argv, '--dir', dir], {
      cwd: folder,
      env: {
        // Another key than the lake's, as a machine may have that has a lake of its own.
        PERCORSO_IDENTIFIER_KEY: argv.includes('--on') ? 'cd'.repeat(32) : identifierKey,
        PERCORSO_VAULT_KEY: vaultKey,
      },
    });
  const onAws = (...argv: string[]) => run(...argv, '--on', 'aws:test');

  /** All versions of all objects, also of those that are gone. */
  async function versions() {
    const found: { key: string; isLatest: boolean; body: string }[] = [];
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
    while (marker !== undefined) {
      const page: ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket: bucket, ...marker }),
      );
      for (const { Key = '', VersionId, IsLatest } of page.Versions ?? []) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key, VersionId }));
        const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
        const body = (Key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
        found.push({ key: Key, isLatest: IsLatest === true, body });
      }
      marker = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
        : undefined;
    }
    return found;
  }

  beforeAll(async () => {
    moto = await startMoto();
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: moto.address,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
    client = new S3Client({ region });
    folder = await mkdtemp(join(tmpdir(), 'percorso-on-aws-'));
    dir = join(folder, 'company');
    await run('demo', dir, '--customers', '150', '--days', '120', '--no-truth');
    const config = await readFile(join(dir, 'percorso.config.ts'), 'utf8');
    await writeFile(
      join(dir, 'percorso.config.ts'),
      config.replace('defineConfig({', "defineConfig({\n  aws: { id: 'acme', region: 'eu-south-1' },"),
    );
    // The demo has dirt in it, which the import tells of by its code.
    expect((await run('import', join(dir, 'landing'))).stderr).toContain('orders');
    await rm(join(dir, 'landing'), { recursive: true });
    // What was imported here is the lake there, as docs/aws.md moves one.
    const CreateBucketConfiguration = { LocationConstraint: 'eu-south-1' as const };
    await client.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
    await client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' as const } }),
    );
    const [here, there] = [createFolderStore(join(dir, 'lake')), createS3Store(bucket, client)];
    for (const key of await here.list('')) await there.put(key, (await here.get(key)) ?? '');
    const secrets = new SecretsManagerClient({ region });
    const secret = (name: string, value: object) =>
      secrets.send(
        new CreateSecretCommand({ Name: `percorso/acme-test/${name}`, SecretString: JSON.stringify(value) }),
      );
    await secret('identifier-key', { PERCORSO_IDENTIFIER_KEY: identifierKey });
    await secret('senders', { KEY_SHOP: 'a-key' });
  });
  afterAll(async () => {
    process.env = before;
    client?.destroy();
    moto?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  test('a build and a query say what they say of the same lake in a folder', async () => {
    expect(await run('build')).toMatchObject({ code: 0 });
    const local = await readdir(join(dir, 'lake', 'marts', 'builds'));
    expect(await onAws('build')).toMatchObject({ code: 0 });
    const sql =
      'select conversion_type, count(*) as conversions, sum(revenue) as revenue, count(distinct person_id) as persons from conversions group by 1 order by 1';
    const [here, there] = [await run('query', sql, '--json'), await onAws('query', sql, '--json')];
    expect(there).toMatchObject({ code: 0, stdout: here.stdout });
    expect(JSON.parse(there.stdout).length).toBeGreaterThan(1);
    // Another machine has nothing of it yet, and fetches it.
    await rm(join(dir, '.percorso', 'on-aws'), { recursive: true });
    expect((await onAws('query', sql, '--json')).stdout).toBe(here.stdout);
    // The lake of this machine stays as it is.
    expect(await readdir(join(dir, 'lake', 'marts', 'builds'))).toEqual(local);
    const file = join(folder, 'orders.csv');
    expect(await onAws('export', 'conversions', file)).toMatchObject({ code: 0 });
    expect((await readFile(file, 'utf8')).split('\n').length).toBeGreaterThan(20);
  });

  test('a build waits for that of the schedule, publishes nothing under it, and leaves the lease to the next', async () => {
    const there = createS3Store(bucket, client);
    const now = () => new Date();
    const current = () => there.get(lake.current).then((body) => new TextDecoder().decode(body));
    const published = await current();
    const night = { holder: 'execution', buildId: '20261128T023000Z-aaaaaa', seconds: 3600 };
    expect(await takeLease(there, night, now)).toHaveProperty('taken');
    const refused = await onAws('build', '--full-refresh');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('the build 20261128T023000Z-aaaaaa is under way');
    expect(await current()).toBe(published);
    await releaseLease(there, 'execution', now);
    expect(await onAws('build', '--full-refresh')).toMatchObject({ code: 0 });
    expect(await current()).not.toBe(published);
    expect(await takeLease(there, night, now)).toHaveProperty('taken');
    await releaseLease(there, 'execution', now);
  });

  test('an import is taken back, and what is built then is what the same lake in a folder gives', async () => {
    const there = createS3Store(bucket, client);
    const now = () => new Date();
    const list = ['imports', 'list', '--limit', '1000', '--json'];
    const imports: ImportEntry[] = JSON.parse((await onAws(...list)).stdout);
    expect(imports).toEqual(JSON.parse((await run(...list)).stdout));
    // Orders of a till, say: enough to be seen, and each file of the demo says what no other does.
    const [bad] = imports.filter(({ events, rejected }) => events >= 20 && rejected === 0);
    if (bad === undefined) throw new Error('no import of some events');
    const sql =
      "select 'events ' || source as what, count(*) as n from events group by 1 union all select 'touches ' || channel, count(*) from touches group by 1 union all select 'persons', count(*) from persons order by 1";
    const asked = async (ask: typeof run) => (await ask('query', sql, '--json')).stdout;
    const was = await asked(onAws);

    const night = { holder: 'execution', buildId: '20261128T023000Z-cccccc', seconds: 3600 };
    expect(await takeLease(there, night, now)).toHaveProperty('taken');
    expect(await onAws('imports', 'undo', bad.import_id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the build 20261128T023000Z-cccccc is under way'),
    });
    await releaseLease(there, 'execution', now);
    const own = async () => (await there.list('')).filter((key) => key.includes(`.i${bad.import_id}.`));
    const objects = await own();
    expect(objects.length).toBeGreaterThan(0);

    // Killed as it began: nobody builds over it.
    await beginUndo(there, bad);
    expect(await onAws('build')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`percorso imports undo ${bad.import_id}`),
    });
    const undone = await onAws('imports', 'undo', bad.import_id.slice(0, 10), '--json');
    expect(undone, undone.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(undone.stdout)).toMatchObject({ event_objects: objects.length });
    expect(await own()).toEqual([]);
    expect((await onAws('imports', 'undo', bad.import_id)).stderr).toContain('was taken back before');
    // The bucket keeps them for a while, for whoever took back the wrong one.
    expect((await versions()).filter(({ key }) => objects.includes(key))).toHaveLength(objects.length);

    expect(await run('imports', 'undo', bad.import_id)).toMatchObject({ code: 0 });
    for (const ask of [onAws, run]) {
      expect((await ask('build')).stderr).toContain('full refresh: an import was taken back');
    }
    expect(await asked(onAws)).toBe(await asked(run));
    expect(await asked(onAws)).not.toBe(was);
  });

  test('refused records are listed, shown and taken after the mend', async () => {
    const { stdout } = await onAws('rejected', 'list', '--json');
    const groups: { source: string; reason: string; records: number }[] = JSON.parse(stdout);
    const refused = groups.reduce((sum, { records }) => sum + records, 0);
    expect(refused).toBeGreaterThan(0);
    const editable = (await onAws('rejected', 'show', '--editable')).stdout.trim().split('\n');
    expect(editable).toHaveLength(refused);
    const mended = editable
      .map((line) => JSON.parse(line))
      .filter(({ record }) => record.identifiers === undefined && Object.hasOwn(record, 'Total'))
      .map((one) => JSON.stringify({ ...one, record: { ...one.record, Total: '12.00' } }));
    expect(mended.length).toBeGreaterThan(0);
    const file = join(folder, 'mended.jsonl');
    await writeFile(file, `${mended.join('\n')}\n`);
    const replayed = await onAws('rejected', 'replay', '--file', file, '--json');
    expect(replayed).toMatchObject({ code: 0 });
    expect(JSON.parse(replayed.stdout)).toMatchObject({ taken: mended.length });
    const left: typeof groups = JSON.parse((await onAws('rejected', 'list', '--json')).stdout);
    expect(left.reduce((sum, { records }) => sum + records, 0)).toBe(refused - mended.length);
  });

  describe('another key of the hashes', () => {
    const there = () => createS3Store(bucket, client);
    const secretId = 'percorso/acme-test/identifier-key';
    const keyText = async () => {
      const { SecretString = '' } = await new SecretsManagerClient({ region }).send(
        new GetSecretValueCommand({ SecretId: secretId }),
      );
      return String(JSON.parse(SecretString).PERCORSO_IDENTIFIER_KEY);
    };
    const keyOf = async () => decodeIdentifierKey(await keyText(), secretId);
    const rotate = ['rotate-key', '--json', '--on', 'aws:test', '--dir'] as const;
    const hashes = /\b[ep]:(?:[0-9a-f]{32}|[0-9a-f]{24})\b/g;
    const people =
      "select 'persons' as what, cast(count(*) as double) as n, sum(revenue) as revenue from persons union all select 'credit ' || model || ' ' || channel, round(cast(sum(conversions) as double), 6), sum(revenue) from channel_daily where model not in ('markov', 'shapley') group by 1 order by 1";
    const asked = async () => (await onAws('query', people, '--json')).stdout;
    const event = (event_id: string, email: string, key: IdentifierKey): StoredEvent => ({
      event_id,
      event_type: 'Identify',
      occurred_at: '2026-10-01T10:00:00.000Z',
      received_at: '2026-10-01T10:00:01.000Z',
      source: 'shop',
      trust: 'server',
      keys: { email: createIdentifiers(key, 'IT').hash('email', email) },
      schema_version: 1,
    });

    /** Rotates; once it waits for the doors, does what a door does then, and lets the time pass. */
    async function rotateWhile(atWait: () => Promise<void>) {
      let skew = 0;
      let stderr = '';
      let stdout = '';
      let waited: Promise<void> | undefined;
      const code = await main([...rotate, dir], {
        cwd: folder,
        env: {},
        now: () => new Date(Date.now() + skew),
        isTerminal: false,
        stdout: (text) => {
          stdout += text;
        },
        stderr: (text) => {
          stderr += text;
          if (waited === undefined && text.includes('waits until')) {
            waited = atWait().finally(() => {
              skew = 22 * 60_000;
            });
          }
        },
      });
      await waited;
      return { code, stderr, stdout };
    }

    test('while somebody else builds it is refused, and the key stays', async () => {
      const now = () => new Date();
      const night = { holder: 'execution', buildId: '20261128T023000Z-bbbbbb', seconds: 3600 };
      expect(await takeLease(there(), night, now)).toHaveProperty('taken');
      const refused = await onAws('rotate-key');
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toContain('the build 20261128T023000Z-bbbbbb is under way');
      expect(await keyText()).toBe(identifierKey);
      await releaseLease(there(), 'execution', now);
    });

    test('all is under it, nobody is lost, and what the doors write meanwhile under the one before is raised too', async () => {
      // What was replayed is of a closed day: a whole build has it in the figures before they are compared.
      expect(await onAws('build', '--full-refresh')).toMatchObject({ code: 0 });
      const was = await asked();
      expect(JSON.parse(was).length).toBeGreaterThan(5);
      const old = await keyOf();
      const known = new Set((await versions()).flatMap(({ body }) => body.match(hashes) ?? []));
      expect(known.size).toBeGreaterThan(50);
      const rotated = await rotateWhile(async () => {
        // A run of the store that has read the key before the change.
        const late = createRawWriter(there(), { identifierKey: old });
        await late.event(event('late', 'late@example.com', old));
        await late.flush();
      });
      expect(rotated, rotated.stderr).toMatchObject({ code: 0 });
      const result = JSON.parse(rotated.stdout);
      expect(result).toMatchObject({ generation: 2, isResumed: false });
      expect(result.events).toBeGreaterThan(500);
      expect(await keyText()).toMatch(new RegExp(`^${identifierKey},[0-9a-f]{64}$`));
      // Neither an object nor a former version of one holds a hash of before.
      const all = await versions();
      const raw = all.filter(({ key }) => key.startsWith('raw/events/'));
      expect(raw.filter(({ key, isLatest }) => !isLatest || !key.endsWith('.k2.jsonl.gz'))).toEqual([]);
      const holding = all.filter(
        ({ key, body }) => !key.endsWith('.parquet') && (body.match(hashes) ?? []).some((hash) => known.has(hash)),
      );
      expect(holding.map(({ key }) => key)).toEqual([]);
      expect(all.filter(({ key }) => key.endsWith('/manifest.json'))).toHaveLength(1);
      const lateKey = createIdentifiers(await keyOf(), 'IT').hash('email', 'late@example.com');
      expect(raw.filter(({ body }) => body.includes(lateKey))).toHaveLength(1);
      // The one who came in meanwhile is the one more; all others have what they had.
      const now: { what: string; n: number }[] = JSON.parse(await asked());
      const before: { what: string; n: number }[] = JSON.parse(was);
      expect(now).toEqual(before.map((row) => (row.what === 'persons' ? { ...row, n: row.n + 1 } : row)));
      const message = encodeDelivery({ events: [event('queued', 'late@example.com', old)], rejected: [] });
      await storeDeliveries(there(), keyOf, [message]);
      expect(await onAws('build')).toMatchObject({ code: 0 });
      expect(JSON.parse(await asked())).toEqual(now);
    }, 500_000);

    test('killed half way it holds the lease, and run again it ends with the same persons', async () => {
      const was = await asked();
      const raw = await there().list(lake.rawEvents);
      const { code } = await runProcess([...rotate, dir], {
        killWhen: async () =>
          (await there().list(lake.rawEvents)).filter((key) => key.includes('.k2.')).length < raw.length,
      });
      expect(code).toBeNull();
      const left = (await there().list(lake.rawEvents)).filter((key) => key.includes('.k2.'));
      expect(left.length).toBeGreaterThan(0);
      expect(await readHashing(there())).toMatchObject({ generation: 3, done: 2 });
      const held = await onAws('rotate-key');
      expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining('is under way, or was stopped') });
      // As docs/aws.md frees the lease of one that was stopped.
      for (const key of await there().list(lake.leases)) await there().remove(key);
      const key = await keyText();
      const again = await rotateWhile(async () => {});
      expect(again, again.stderr).toMatchObject({ code: 0 });
      expect(JSON.parse(again.stdout)).toMatchObject({ generation: 3, isResumed: true });
      expect(await keyText()).toBe(key);
      expect((await there().list(lake.rawEvents)).filter((one) => !one.includes('.k3.'))).toEqual([]);
      expect((await versions()).filter(({ key: one, isLatest }) => one.startsWith('raw/') && !isLatest)).toEqual([]);
      expect(await asked()).toBe(was);
    }, 500_000);
  });

  test('an erased person is in no object and in no former version of one, and the totals stand', async () => {
    // What was replayed is of a closed day: a whole build has it in the figures before they are compared.
    expect(await onAws('build', '--full-refresh')).toMatchObject({ code: 0 });
    const [first] = JSON.parse(
      (
        await onAws(
          'query',
          "select identifier_b as email from identity_links where identifier_b like 'e:%' and person_id is not null union all select identifier_a from identity_links where identifier_a like 'e:%' order by 1 limit 1",
          '--json',
        )
      ).stdout,
    );
    const hash = String(first.email);
    const holds = (body: string) => body.includes(hash) || body.includes(hash.slice(2));
    expect((await versions()).filter(({ body }) => holds(body)).length).toBeGreaterThan(0);
    const totals = "select count(*) as n, sum(revenue) as revenue from conversions where conversion_type <> 'x'";
    const was = (await onAws('query', totals, '--json')).stdout;
    expect(await onAws('erase', hash)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('PERCORSO_VAULT_KEY'),
    });
    vaultKey = await readFile(join(dir, '.percorso', 'vault.key'), 'utf8');
    const erased = await onAws('erase', hash, '--json');
    expect(erased, erased.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(erased.stdout)).toMatchObject({
      isUnknown: false,
      persons: 1,
      held: [],
      held_by_hand: [],
      moved: [],
    });
    // Parquet is packed: the names in its dictionaries are not told from its bytes, so that the proof of the command counts there.
    const all = await versions();
    expect(all.filter(({ key, body }) => !key.endsWith('.parquet') && holds(body)).map(({ key }) => key)).toEqual([]);
    // Nothing of an earlier build is left, not even as a version.
    const manifests = all.filter(({ key }) => key.endsWith('/manifest.json'));
    expect(manifests).toHaveLength(1);
    const referred = manifests[0]?.body ?? '';
    expect(all.filter(({ key }) => key.endsWith('.parquet') && !referred.includes(key)).map(({ key }) => key)).toEqual(
      [],
    );
    expect((await onAws('query', totals, '--json')).stdout).toBe(was);
  }, 500_000);

  test('another key of the vault: every address is under it, and none is under the old one in a former version', async () => {
    const old = vaultKey.trim();
    vaultKey = `${'7e'.repeat(32)},${old}`;
    const name = (body: string) => /vault1:[^"]+/.exec(body)?.[0].split(':')[1];
    const vault = async () => (await versions()).filter(({ key }) => key.startsWith(lake.vault));
    const before = new Set((await vault()).flatMap(({ body }) => name(body) ?? []));
    expect(before.size).toBe(1);
    expect((await onAws('rotate-key', '--vault')).stderr).toContain('are sealed under the key of today');
    const after = await vault();
    expect(after.filter(({ isLatest }) => !isLatest)).toEqual([]);
    const names = new Set(after.flatMap(({ body }) => name(body) ?? []));
    expect(names.size).toBe(1);
    expect([...names]).not.toEqual([...before]);
  });

  test('what a deployment does by itself is refused here, with what to do instead', async () => {
    expect(await onAws('import', 'x.csv')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('landing bucket'),
    });
    expect(await run('query', 'select 1', '--on', 'mars')).toMatchObject({ code: 2 });
    expect(await run('query', 'select 1', '--on', 'aws:other')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no lake of acme-other'),
    });
    expect(existsSync(join(dir, '.percorso', 'on-aws', 'acme-other'))).toBe(false);
  });
});

describe('a bucket with a folder before it', () => {
  async function opened() {
    const root = await mkdtemp(join(tmpdir(), 'percorso-mirror-'));
    const under = createFolderStore(join(root, 'bucket'));
    const store = createMirroredStore(under, join(root, 'mirror'));
    return { root, under, store, discard: () => rm(root, { recursive: true, force: true }) };
  }
  storeContract('mirrored store', async () => opened());

  test('brings up what an engine wrote before it puts what names it', async () => {
    const { root, under, discard } = await opened();
    const puts: string[] = [];
    const noted = <Call extends (key: string, body: Uint8Array | string) => unknown>(call: Call) =>
      ((key, body) => {
        puts.push(key);
        return call(key, body);
      }) as Call;
    const bucket = { ...under, put: noted(under.put), putIfAbsent: noted(under.putIfAbsent) };
    const watched = createMirroredStore(bucket, join(root, 'mirror'));
    const path = watched.locate('marts/builds/b1/events/all.parquet');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'PAR1');
    await watched.put('marts/current.json', '{}');
    expect(puts).toEqual(['marts/builds/b1/events/all.parquet', 'marts/current.json']);
    expect(await watched.list('marts/')).toHaveLength(2);
    await discard();
  });

  test('pulls what is missing, and takes out what the bucket has no more', async () => {
    const { root, under, store, discard } = await opened();
    await under.put('raw/events/2026-01-01/a.jsonl.gz', gzipSync('{}'));
    await under.put('people/hashing.json', 'one');
    await store.pull(['raw/', 'people/']);
    await under.put('people/hashing.json', 'two');
    await under.remove('raw/events/2026-01-01/a.jsonl.gz');
    await store.pull(['raw/', 'people/']);
    const files = (await readdir(join(root, 'mirror'), { recursive: true, withFileTypes: true })).filter((one) =>
      one.isFile(),
    );
    expect(files.map((one) => relative(root, join(one.parentPath, one.name)))).toEqual([
      join('mirror', 'people', 'hashing.json'),
    ]);
    expect(await readFile(join(root, 'mirror', 'people', 'hashing.json'), 'utf8')).toBe('two');
    await discard();
  });
});
