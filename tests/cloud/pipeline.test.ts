import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AthenaClient } from '@aws-sdk/client-athena';
import { CreateDatabaseCommand, GetDatabasesCommand, GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, interceptLocalhostDns, startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createFolderStore } from '#adapters/folder-store';
import { createS3Store } from '#adapters/s3-store';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { readLease, releaseLease, takeLease } from '#pipeline/builds/lease';
import { readCurrentManifest, requireBuild } from '#pipeline/builds/publish';
import { runCommand } from '../run-command.ts';
import { startTrino, whatIsMissing } from '../trino/server.ts';
import { athenaCatalogs, startAthena } from './athena-api.ts';
import { compareLakes } from './compare-lakes.ts';
import { costWithoutRate } from './cost-without-rate.ts';
import { type Deployed, deploy, region } from './deployed.ts';
import { startProxy } from './flaky-proxy.ts';
import { type Lambda, openLambda } from './lambda.ts';
import { startMoto, whatMotoMisses } from './moto.ts';
import { type Ended, runMachine } from './state-machine.ts';
import { synthesise } from './templates.ts';

/*
 * The cloud's road from the lake to the published tables, run for real: the state machine, the bundle and the tables that the
 * CDK synthesises, Athena's API over a real Trino, S3's and Glue's protocols. The same company is built on this machine, and
 * every published table is compared row by row.
 */
const missing = whatMotoMisses() ?? whatIsMissing();
if (missing !== undefined) process.stderr.write(`skipped: a build on AWS's protocols needs ${missing}\n`);

const told: { Subject: string; Message: string }[] = [];

describe.skipIf(missing !== undefined)('the cloud road from the lake to the published tables', () => {
  const folder = mkdtempSync(join(tmpdir(), 'percorso-pipeline-'));
  const dir = join(folder, 'demo');
  let sqsServer: FauxqsServer;
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let trino: Awaited<ReturnType<typeof startTrino>>;
  let athena: Awaited<ReturnType<typeof startAthena>>;
  let clients: { s3: S3Client; sqs: SQSClient; glue: GlueClient; secrets: SecretsManagerClient; athena: AthenaClient };
  let deployed: Deployed;
  let builder: Lambda;
  let lake: Store;
  const local = () => createFolderStore(join(dir, 'lake'));
  let executions = 0;

  async function percorso(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand(argv, { cwd: folder });
    // 1: the bad rows that the demo plants may be all that a small file holds.
    expect(argv.includes('import') ? [0, 1] : [0], stderr).toContain(code);
    return stdout;
  }

  /** One run of the state machine, as the schedule or a person starts it. */
  async function run(
    input: Record<string, string | boolean> = {},
    invoke: (event: unknown) => Promise<unknown> = (event) => builder.invoke(event),
  ): Promise<Ended> {
    const definition = deployed.machines.get('demo-test-build');
    if (definition === undefined) throw new Error('no state machine');
    executions += 1;
    return runMachine(
      definition,
      `arn:aws:states:${region}:123456789012:execution:demo-test-build:run-${executions}`,
      input,
      {
        athena: clients.athena,
        invoke: (_, event) => invoke(event),
        publish: (message) => told.push(message),
      },
    );
  }

  /** What of the lake is not there yet, as `aws s3 sync` does. */
  async function sync(): Promise<void> {
    for (const prefix of ['raw/', 'rejected/', 'people/']) {
      for (const key of await local().list(prefix)) await lake.putIfAbsent(key, (await local().get(key)) ?? '');
    }
  }

  const differences = () => compareLakes(lake, local(), folder);

  const current = async () => (await readCurrentManifest(lake))?.build_id;

  beforeAll(async () => {
    interceptLocalhostDns();
    moto = await startMoto();
    proxy = await startProxy(moto.address);
    const starting = startTrino(athenaCatalogs(moto.address, region, folder));
    await percorso('demo', dir, '--customers', '120', '--days', '150', '--no-truth');
    const config = join(dir, 'percorso.config.ts');
    const text = readFileSync(config, 'utf8').replace('defineConfig({', "defineConfig({\n  aws: { id: 'demo' },");
    writeFileSync(config, text);
    await percorso('--dir', dir, 'import', join(dir, 'landing'));
    synthesise(dir, 'test', join(folder, 'cdk.out'));
    sqsServer = await startFauxqs({ port: 0, logger: false, defaultRegion: region });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const at = (endpoint: string) => ({ endpoint, region, credentials });
    const makers = {
      s3: new S3Client(at(moto.address)),
      glue: new GlueClient(at(moto.address)),
      secrets: new SecretsManagerClient(at(moto.address)),
      sqs: new SQSClient(at(`http://127.0.0.1:${sqsServer.port}`)),
    };
    deployed = await deploy(join(folder, 'cdk.out'), makers, 'c7'.repeat(32));
    trino = await starting;
    await trino.ready('select count(*) from awsdatacatalog.information_schema.tables');
    athena = await startAthena({
      trino: trino.address,
      glue: makers.glue,
      s3: makers.s3,
      workgroups: deployed.workgroups,
    });
    clients = { ...makers, athena: new AthenaClient(at(athena.address)) };
    const bucket = deployed.buckets.find((name) => name.startsWith('demo-test-lake-')) ?? '';
    lake = createS3Store(bucket, clients.s3);
    const spec = deployed.lambdas.get('demo-test-build');
    if (spec === undefined) throw new Error('no Lambda that builds');
    builder = openLambda(spec, {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_S3: proxy.address,
      AWS_ENDPOINT_URL_ATHENA: athena.address,
    });
    await sync();
  }, 600_000);
  afterAll(async () => {
    await builder?.kill();
    for (const client of Object.values(clients ?? {})) client.destroy();
    athena?.stop();
    trino?.stop();
    proxy?.stop();
    moto?.stop();
    await sqsServer?.stop();
    if (process.env.PERCORSO_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  });

  test('the demo company comes out as on this machine, table by table', async () => {
    await percorso('--dir', dir, 'build');
    const began = Date.now();
    const ended = await run();
    expect(ended, `${JSON.stringify(ended)}\n${builder.log()}`).toMatchObject({ status: 'SUCCEEDED' });
    process.stderr.write(
      `built in ${((Date.now() - began) / 1000).toFixed(1)} s: ${athena.started.length} statements, ${ended.states.length} tasks\n`,
    );
    const { different, tables, rows } = await differences();
    process.stderr.write(`${tables} published tables compared, ${rows} rows\n`);
    expect(different).toEqual([]);
  }, 900_000);

  test('where nothing has changed, nothing runs', async () => {
    const before = { build: await current(), started: athena.started.length };
    expect(await run()).toMatchObject({ status: 'SUCCEEDED', states: ['Plan', 'End'] });
    const more = athena.started.slice(before.started).map(({ query }) => query);
    expect(more.every((query) => query.startsWith('drop database if exists'))).toBe(true);
    expect(await current()).toBe(before.build);
  });

  test('a day later the build stands on the last one, as on this machine', async () => {
    const day = Array.from({ length: 40 }, (_, i) => ({
      event_type: i % 4 === 0 ? 'Order Completed' : 'Product Viewed',
      event_id: `day-${i}`,
      source: 'shop',
      occurred_at: `2026-11-${String(3 + (i % 6)).padStart(2, '0')}T10:${String(i).padStart(2, '0')}:00+01:00`,
      identifiers: { anonymous_id: `later-${i % 9}`, ...(i % 5 === 0 ? { email: `later${i % 9}@example.com` } : {}) },
      touch: { source: i % 2 === 0 ? 'google' : 'newsletter', medium: i % 2 === 0 ? 'cpc' : 'email' },
      ...(i % 4 === 0
        ? { value: { order_id: `later-${i}`, revenue: (100 + i * 1.1).toFixed(2), currency: 'EUR' } }
        : {}),
    }));
    // A fact of a closed day waits in raw, and is counted.
    day.push({ ...day[1], event_id: 'late', occurred_at: '2026-09-15T10:00:00+02:00' } as (typeof day)[number]);
    const file = join(folder, 'day.jsonl');
    writeFileSync(file, day.map((event) => JSON.stringify(event)).join('\n'));
    await percorso('--dir', dir, 'import', file);
    await percorso('--dir', dir, 'build');
    expect((await requireBuild(local())).kind).toBe('daily');
    await sync();
    const began = { at: Date.now(), started: athena.started.length };
    const ended = await run();
    expect(ended, `${JSON.stringify(ended)}\n${builder.log()}`).toMatchObject({ status: 'SUCCEEDED' });
    const manifest = await requireBuild(lake);
    expect(manifest.kind).toBe('daily');
    process.stderr.write(
      `the day after in ${((Date.now() - began.at) / 1000).toFixed(1)} s: ${athena.started.length - began.started} statements\n`,
    );
    const { different, tables, rows } = await differences();
    process.stderr.write(`${tables} published tables compared, ${rows} rows\n`);
    expect(different).toEqual([]);
    // Closed months are the files of the first build, referred to.
    const builds = new Set(manifest.tables.events?.files.map(({ key }) => key.split('/')[2]));
    expect(builds.size).toBe(2);
  }, 900_000);

  describe('a withdrawal of consent found in the middle of a daily build', () => {
    const check = 'withdrawal_moves_closed_days';
    const reason = 'a withdrawal of consent reaches closed days';
    const request = z.looseObject({ task: z.string(), buildId: z.string().optional(), instead: z.string().optional() });
    const batch = z.looseObject({ statements: z.array(z.looseObject({ id: z.string() })).optional() });
    const runs = async () => {
      const { DatabaseList = [] } = await clients.glue.send(new GetDatabasesCommand({}));
      return DatabaseList.map(({ Name = '' }) => Name).filter((name) => name.includes('_run_'));
    };

    /**
     * A run whose daily build makes nothing, since the tests above have made it, and finds the withdrawal; what comes of the new
     * plan ends with its first statement. @param beforeAnew is called as the machine asks for the new plan.
     */
    async function findsWithdrawal(beforeAnew: (holder: string) => Promise<void>) {
      const at = '2026-11-09T10:00:00.000Z';
      const event = { event_id: '1', event_type: 'Page Viewed', source: 'shop', occurred_at: at, received_at: at };
      const fact = 'raw/events/2026-11-09/0000.jsonl.gz';
      await lake.put(fact, gzipSync(`${JSON.stringify({ ...event, keys: {} })}\n`));
      const asked: z.output<typeof request>[] = [];
      const ended = await run({}, async (given) => {
        const task = request.parse(given);
        if (task.instead !== undefined) await beforeAnew(String(task.holder));
        asked.push(task);
        const said = await builder.invoke(given);
        if (task.task !== 'next') return said;
        const next = batch.parse(said);
        const isAnew = asked.some(({ instead }) => instead !== undefined);
        if (isAnew) return { ...next, statements: [{ ...next.statements?.[0], sql: 'select none' }] };
        const found = next.statements?.find(({ id }) => id === `check ${check}`);
        if (found === undefined) return { ...next, kind: 'statements', statements: [] };
        return { ...next, statements: [{ ...found, sql: `select '${check}' as check_name, 1 as failing_rows` }] };
      });
      await lake.remove(fact);
      return { asked, ended, tasks: asked.map(({ task }) => task).filter((task, at, all) => task !== all[at - 1]) };
    }

    test('all is planned anew: from its first statement, as a full refresh, in a database of its own', async () => {
      const before = await current();
      const databases: string[][] = [];
      const { asked, ended, tasks } = await findsWithdrawal(async () => {
        databases.push(await runs());
      });
      expect(tasks).toEqual(['plan', 'next', 'judge', 'plan', 'next', 'again', 'end']);
      expect(ended).toMatchObject({ status: 'FAILED', states: expect.arrayContaining(['Judge', 'Plan anew']) });
      const [daily] = asked.filter(({ task }) => task === 'next');
      expect(asked.find(({ instead }) => instead !== undefined)).toMatchObject({
        instead: daily?.buildId,
        refresh: reason,
      });
      const [anew, ...more] = asked.filter(({ task, buildId }) => task === 'next' && buildId !== daily?.buildId);
      expect(anew).toMatchObject({ at: 0, ran: [] });
      expect(more).toEqual([]);
      const plan = await lake.get(places.plan(anew?.buildId ?? ''));
      expect(JSON.parse(new TextDecoder().decode(plan))).toMatchObject({ run: { kind: 'full', reason } });
      expect(databases).toHaveLength(1);
      expect(databases[0]).toHaveLength(1);
      // What the daily build had made is gone, and what the other one began too, since it was failed here.
      expect(await runs()).toEqual([]);
      expect(await current()).toBe(before);
    }, 300_000);

    test('another build that takes the lease in between is left alone', async () => {
      const other = { holder: 'another', buildId: '20261109T000000Z-another', seconds: 600 };
      const { ended, tasks } = await findsWithdrawal(async (holder) => {
        await builder.invoke({ task: 'end', holder });
        expect(await takeLease(lake, other, () => new Date())).toHaveProperty('taken');
      });
      expect(ended).toMatchObject({ status: 'FAILED', error: 'BuildUnderWay', cause: other.buildId });
      expect(tasks).toEqual(['plan', 'next', 'judge', 'plan']);
      expect((await readLease(lake))?.holder).toBe('another');
      await releaseLease(lake, 'another', () => new Date());
      expect(await runs()).toEqual([]);
    }, 300_000);
  });

  describe('what goes wrong', () => {
    // A small part of the company, so that each fault takes seconds.
    const part = { select: 'costs,fx_days' };
    const succeeded = (ended: Ended) =>
      expect(ended, `${JSON.stringify(ended)}\n${builder.log().slice(-4000)}`).toMatchObject({ status: 'SUCCEEDED' });
    /** Databases of builds that were not dropped. */
    const left = async () => {
      const { DatabaseList = [] } = await clients.glue.send(new GetDatabasesCommand({}));
      return DatabaseList.map(({ Name = '' }) => Name).filter((name) => name.includes('_run_'));
    };
    /** Runs the part after a mend: the tables are what they are on this machine. */
    async function runsAgain(): Promise<void> {
      succeeded(await run(part));
      expect((await differences()).different).toEqual([]);
      expect(await left()).toEqual([]);
    }
    /** A run that must fail: what readers see stays, what it made is gone, and it is told. */
    async function failsWith(text: string): Promise<Ended> {
      const before = { build: await current(), told: told.length };
      const ended = await run(part);
      expect(ended.status, JSON.stringify(ended)).toBe('FAILED');
      expect(await current()).toBe(before.build);
      expect(await left()).toEqual([]);
      expect(told.length).toBe(before.told + 1);
      expect(told.at(-1)?.Message).toContain(text);
      return ended;
    }
    const killAt = (isReached: (method: string, url: string) => boolean) => {
      let isDone = false;
      proxy.judge(({ method = '', url = '' }) => {
        if (isDone || !isReached(method, url)) return 'pass';
        isDone = true;
        void builder.kill();
        return 'hang';
      });
    };

    beforeAll(async () => {
      await percorso('--dir', dir, 'build', '--select', part.select);
    });

    test('a statement that the engine fails is run again, in the same place', async () => {
      let faults = 0;
      athena.sabotage((query) => {
        if (!query.startsWith('create table "costs"') || faults === 2) return undefined;
        faults += 1;
        return { message: 'a worker was lost', isOfStatement: false };
      });
      const ended = await run(part);
      athena.sabotage(undefined);
      succeeded(ended);
      expect(ended.states.filter((state) => state === 'Again')).toHaveLength(2);
      expect((await differences()).different).toEqual([]);
    });

    test('a statement that is wrong, or fails for good, fails the build: nothing is published', async () => {
      athena.sabotage((query) =>
        query.startsWith('create table "costs"')
          ? { message: 'column x cannot be resolved', isOfStatement: true }
          : undefined,
      );
      expect((await failsWith('column x cannot be resolved')).states).toContain('Again');
      athena.sabotage((query) =>
        query.startsWith('create table "costs"') ? { message: 'no worker is left', isOfStatement: false } : undefined,
      );
      const { states } = await failsWith('no worker is left');
      // Three times in all, the last time for its verdict alone.
      expect(states.filter((state) => state === 'Again')).toHaveLength(3);
      athena.sabotage(undefined);
      await runsAgain();
    });

    test('a check of severity error that finds rows: nothing is published, and what it found is told', async () => {
      const { key, body } = costWithoutRate;
      await lake.put(key, body);
      const { states } = await failsWith('money_has_a_rate');
      expect(told.at(-1)?.Message).toContain('a check failed, and nothing was published');
      expect(told.at(-1)?.Message).toMatch(/money_has_a_rate on fx_days: 1 row.*XXX.*2026-10-01/);
      expect(states).toContain('File');
      expect(states).not.toContain('Publish');
      await lake.remove(key);
      await runsAgain();
    });

    test.each([
      ['planning', (method: string, url: string) => method === 'PUT' && url.includes('/plan.json')],
      ['deciding what is written', (method: string, url: string) => method === 'PUT' && url.includes('/filing.json')],
      [
        'publishing, before the pointer moved',
        (method: string, url: string) => method === 'PUT' && url.includes('/current.json'),
      ],
    ])('the Lambda killed while %s is asked again', async (_, isReached) => {
      const before = await current();
      killAt(isReached);
      const ended = await run(part);
      proxy.judge(() => 'pass');
      succeeded(ended);
      expect(await current()).not.toBe(before);
      expect((await differences()).different).toEqual([]);
      expect(await left()).toEqual([]);
    });

    test('under two keys of the hashes nobody builds: it is told, with the command that ends it', async () => {
      const hashing = (done: number) =>
        lake.put(places.hashing, JSON.stringify({ generation: 2, done, changed_at: '' }));
      for (const [done, said, mend] of [
        [1, 'a change of the key of the hashes was cut off', 'percorso rotate-key --on aws'],
        [2, 'raw objects are under a key of the hashes of before', 'percorso build --on aws'],
      ] as const) {
        await hashing(done);
        const before = await current();
        expect(await run()).toMatchObject({ status: 'FAILED', states: ['Plan', 'Tell', 'End after failure'] });
        expect(told.at(-1)?.Message).toContain(said);
        expect(told.at(-1)?.Message).toContain(mend);
        expect(await current()).toBe(before);
      }
      await lake.remove(places.hashing);
      await runsAgain();
    });

    test('the schedule starts it twice: one builds, the other says so and touches nothing', async () => {
      const toldBefore = told.length;
      const both = await Promise.all([run(part), run(part)]);
      expect(both.map(({ status }) => status).sort()).toEqual(['FAILED', 'SUCCEEDED']);
      expect(both.find(({ status }) => status === 'FAILED')).toMatchObject({
        error: 'BuildUnderWay',
        states: ['Plan'],
      });
      expect(told.length).toBe(toldBefore);
      expect((await differences()).different).toEqual([]);
    });

    test('a build that died under its lease: while it lasts nobody builds, and then the next one clears up', async () => {
      const lease = (until: string) => JSON.stringify({ holder: 'dead', build_id: '20260101T000000Z-dead00', until });
      const [key = ''] = await lake.list(places.leases);
      const number = Number(/(\d+)\.json$/.exec(key)?.[1]) + 1;
      const held = `${places.leases}${String(number).padStart(9, '0')}.json`;
      await lake.put(held, lease('2999-01-01T00:00:00.000Z'));
      const Name = 'demo_test_run_20260101t000000z_dead00';
      await clients.glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name } }));
      const before = await current();
      expect(await run(part)).toMatchObject({ status: 'FAILED', error: 'BuildUnderWay' });
      expect(await current()).toBe(before);
      expect(await left()).toEqual([Name]);
      await lake.put(held, lease('2026-01-01T06:00:00.000Z'));
      await runsAgain();
    });
  });
});
