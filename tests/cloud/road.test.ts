import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GlueClient } from '@aws-sdk/client-glue';
import { ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, interceptLocalhostDns, startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createFolderStore } from '#adapters/folder-store';
import { createS3Store } from '#adapters/s3-store';
import { createSpoolQueue } from '#adapters/spool-queue';
import { rawCostColumns } from '#core/cost';
import { rawEventColumns } from '#core/event';
import { createRateCheck } from '#core/fx-rates';
import type { Store } from '#core/ports';
import { createCollectApp } from '#handlers/collect';
import { createCollector } from '#pipeline/arrivals/collect';
import { drainSpool } from '#pipeline/arrivals/drain';
import { createHookReceiver } from '#pipeline/arrivals/hooks';
import { loadCompany } from '#pipeline/company/company';
import { importFiles } from '#pipeline/imports/import';
import { startTrino, whatIsMissing } from '../trino/server.ts';
import { createTrinoWarehouse } from '../trino/trino-warehouse.ts';
import { type Deployed, deploy, region } from './deployed.ts';
import { redrive, settle, takeBatch, workOff } from './event-source.ts';
import { startProxy } from './flaky-proxy.ts';
import { type Lambda, openLambda } from './lambda.ts';
import { startMoto, whatMotoMisses } from './moto.ts';
import { synthesise } from './templates.ts';

/*
 * The cloud's road up to the lake, run for real: the templates and the bundles that the CDK synthesises, on servers that speak
 * the protocols of SQS, S3, Glue and Secrets Manager, and a real Trino that reads the raw tables as Glue describes them. The same
 * traffic goes the local road, and what the two lakes hold is compared row by row.
 */
const missing = whatMotoMisses();
if (missing !== undefined) process.stderr.write(`skipped: the cloud's road needs ${missing}\n`);
const trinoMissing = missing ?? whatIsMissing();
if (missing === undefined && trinoMissing !== undefined) {
  process.stderr.write(`skipped: reading the raw tables with a real Trino needs ${trinoMissing}\n`);
}

const identifierKey = 'c7'.repeat(32);
const secrets = { KEY_SHOP: 'a-key-of-the-shop', HOOK_ERP: 'a-secret-of-the-erp' };
const config = `export default {
  name: 'Acme',
  aws: { id: 'acme' },
  sources: {
    shop: { writeKeyEnv: 'KEY_SHOP' },
    erp: { hookSecretEnv: 'HOOK_ERP' },
    web: { kind: 'browser' },
  },
};
`;
const fixture = (path: string) => fileURLToPath(new URL(`../fixtures/connectors/${path}`, import.meta.url));

interface Request {
  method: 'GET' | 'POST';
  path: string;
  query?: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** What a day brings: batches of an SDK, packed or not, with dirt among them; a tracker's pictures; signed calls with costs. */
function traffic(): Request[] {
  const authorization = `Basic ${Buffer.from(`${secrets.KEY_SHOP}:`).toString('base64')}`;
  const event = (id: string, n: number, properties: object = {}) => ({
    type: n % 7 === 0 ? 'identify' : 'track',
    messageId: id,
    anonymousId: `visitor-${n % 23}`,
    ...(n % 3 === 0 ? { userId: `user-${n % 11}` } : {}),
    ...(n % 7 === 0 ? { traits: { email: `Person${n % 13}@Example.com`, phone: '+39 02 7654321' } } : {}),
    event: n % 5 === 0 ? 'Order Completed' : 'Product Viewed',
    timestamp: new Date(Date.UTC(2026, 0, 5, 9, n)).toISOString(),
    context: { page: { url: `https://acme.it/?utm_source=google&utm_medium=cpc&utm_campaign=c${n % 4}&gclid=x${n}` } },
    properties: n % 5 === 0 ? { order_id: `o-${n}`, total: 100 + n / 4, currency: 'EUR', ...properties } : properties,
  });
  const requests: Request[] = [];
  for (let i = 0; i < 30; i += 1) {
    const batch: object[] = Array.from({ length: 12 }, (_, j) => event(`e-${i}-${j}`, i * 12 + j));
    // An event without a name, and one with a letter that no engine reads, are dirt of every day.
    if (i % 10 === 0) batch.push({ type: 'track', messageId: `bad-${i}`, anonymousId: 'x' });
    if (i === 1) batch.push(event('e-nul', 3, { note: 'half \ud83d and nul \0' }));
    const json = Buffer.from(JSON.stringify({ batch }));
    const isPacked = i % 2 === 1;
    const headers = { authorization, 'content-type': 'application/json' };
    requests.push({
      method: 'POST',
      path: '/v1/batch',
      headers: isPacked ? { ...headers, 'content-encoding': 'gzip' } : headers,
      body: isPacked ? gzipSync(json) : json,
    });
  }
  // More than SQS takes in one message, and no packing makes it smaller.
  const noise = (bytes: number) => randomBytes(bytes).toString('base64');
  const batch = Array.from({ length: 14 }, (_, j) => event(`large-${j}`, j, { noise: noise(22_000) }));
  const large = Buffer.from(JSON.stringify({ batch }));
  requests.push({ method: 'POST', path: '/v1/batch', headers: { authorization }, body: large });
  const picture = new URLSearchParams({
    e: 'pv',
    aid: 'web',
    p: 'web',
    tv: 'js-4.0.0',
    eid: '3f1a0a4e-6a55-4e4b-9a53-7d0f0b6f0a11',
    url: 'https://acme.it/a?utm_source=x',
    duid: 'd-1',
    dtm: '1767603600000',
  });
  requests.push({ method: 'GET', path: '/i', query: picture.toString(), headers: {}, body: Buffer.alloc(0) });
  const costs = [10, 12.5, 7].map((spend, i) => ({
    cost_date: `2026-01-0${i + 5}`,
    spend: spend.toFixed(2),
    currency: 'EUR',
    campaign: 'spring',
    channel: 'Radio',
  }));
  requests.push(
    signed([
      ...costs,
      costs[0],
      {
        event_type: 'Order Completed',
        occurred_at: '2026-01-06T10:00:00Z',
        event_id: 'erp-1',
        identifiers: { email: 'person1@example.com' },
        value: { order_id: 'o-900', revenue: '19.90', currency: 'EUR' },
      },
    ]),
  );
  return requests;
}

function signed(records: unknown[]): Request {
  const body = Buffer.from(JSON.stringify(records));
  const time = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secrets.HOOK_ERP).update(`${time}.`).update(body).digest('hex');
  const headers = { 'x-percorso-signature': `t=${time},v1=${signature}` };
  return { method: 'POST', path: '/hooks/generic/erp', headers, body };
}

/** A request as API Gateway's HTTP API hands it to a Lambda (payload 2.0): what is no text comes in base64. */
function httpEvent({ method, path, query = '', headers, body }: Request) {
  const isText = headers['content-type'] === 'application/json' && headers['content-encoding'] === undefined;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: { host: 'abc123.execute-api.eu-south-1.amazonaws.com', 'x-forwarded-proto': 'https', ...headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'abc123',
      domainName: 'abc123.execute-api.eu-south-1.amazonaws.com',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.9', userAgent: 'test' },
      requestId: randomBytes(8).toString('hex'),
      stage: '$default',
    },
    ...(body.length === 0 ? {} : { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

const answer = z.looseObject({ statusCode: z.number(), body: z.string(), isBase64Encoded: z.boolean() });

/** Fields of a raw line by the columns that a table has, structs as lists: as Trino gives a row. */
function asRow(line: Record<string, unknown>, columns: Record<string, string>, without: readonly string[]): unknown[] {
  return Object.entries(columns)
    .filter(([name]) => !without.includes(name))
    .map(([name, type]) => {
      const value = line[name] ?? null;
      const fields = /^struct\((.+)\)$/.exec(type)?.[1];
      if (fields === undefined || value === null) return value;
      const record = z.record(z.string(), z.unknown()).parse(value);
      return fields.split(', ').map((field) => record[field.split(' ')[0] ?? ''] ?? null);
    });
}

async function linesOf(lake: Store, prefix: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const key of await lake.list(prefix)) {
    const lines = gunzipSync((await lake.get(key)) ?? new Uint8Array())
      .toString()
      .trimEnd()
      .split('\n');
    found.push(...lines.map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line))));
  }
  return found;
}

/** Rows that stand in one list and not in the other, each as often as it does; a few of them, to be read. */
function differences(found: readonly string[], expected: readonly string[]): { more: string[]; fewer: string[] } {
  const left = new Map<string, number>();
  for (const row of expected) left.set(row, (left.get(row) ?? 0) + 1);
  const more: string[] = [];
  for (const row of found) {
    const count = left.get(row) ?? 0;
    if (count === 0) more.push(row);
    else left.set(row, count - 1);
  }
  const fewer = [...left].filter(([, count]) => count > 0).map(([row]) => row);
  return { more: more.slice(0, 3), fewer: fewer.slice(0, 3) };
}
const none = { more: [], fewer: [] };
const distinct = (rows: readonly string[]) => [...new Set(rows)];

const sorted = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row)).sort();

describe.skipIf(missing !== undefined)('the cloud road up to the lake', () => {
  const folder = mkdtempSync(join(tmpdir(), 'percorso-cloud-'));
  const dir = join(folder, 'acme');
  const landed = [fixture('google-ads/campaigns.csv'), join(folder, 'orders of the till.jsonl.gz')];
  let sqsServer: FauxqsServer;
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let clients: { s3: S3Client; sqs: SQSClient; glue: GlueClient; secrets: SecretsManagerClient };
  let deployed: Deployed;
  let environment: Record<string, string>;
  let lake: Store;
  let local: Store;
  const lambdas = new Map<string, Lambda>();
  const requests = traffic();
  const requestTo = (wanted: string) => {
    const found = requests.find(({ path }) => path === wanted);
    if (found === undefined) throw new Error(`no request to ${wanted}`);
    return found;
  };

  const lambda = (name: string): Lambda => {
    const spec = deployed.lambdas.get(`acme-test-${name}`);
    if (spec === undefined) throw new Error(`no Lambda ${name}`);
    const opened = lambdas.get(name) ?? openLambda(spec, environment);
    lambdas.set(name, opened);
    return opened;
  };
  const queue = (name: string) => {
    const found = deployed.queues.get(`acme-test-${name}`);
    if (found === undefined) throw new Error(`no queue ${name}`);
    return found;
  };
  const waiting = async (name: string) => {
    const { Attributes } = await clients.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queue(name).url,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages) + Number(Attributes?.ApproximateNumberOfMessagesNotVisible);
  };
  const worker = { events: 'store', landings: 'import' } as const;
  const sourceOf = (name: keyof typeof worker) => {
    const source = deployed.sources.find(({ queueArn }) => queueArn === queue(name).arn);
    if (source === undefined) throw new Error(`nothing works off ${name}`);
    expect(source.functionArn).toBe(`acme-test-${worker[name]}`);
    return source;
  };
  const work = (name: keyof typeof worker) =>
    workOff(clients.sqs, queue(name), sourceOf(name).batchSize, (event) => lambda(worker[name]).invoke(event));
  /** The next batch of a queue as its Lambda gets it, and what deletes it. */
  async function nextBatch(name: keyof typeof worker) {
    const { url, arn } = queue(name);
    const batch = await takeBatch(clients.sqs, url, arn, sourceOf(name).batchSize);
    if (batch === undefined) throw new Error(`nothing waits in ${name}`);
    return { event: batch.event, remove: () => settle(clients.sqs, url, batch.messages, new Set()) };
  }
  /** Runs a Lambda until a request of its own hangs, and kills it there. */
  async function killAt(name: string, event: unknown, isReached: (method: string, url: string) => boolean) {
    const reached = new Promise<void>((resolve) => {
      proxy.judge(({ method = '', url = '' }) => {
        if (!isReached(method, url)) return 'pass';
        resolve();
        return 'hang';
      });
    });
    await Promise.all([
      expect(lambda(name).invoke(event)).rejects.toThrow('the sandbox ended'),
      reached.then(() => lambda(name).kill()),
    ]);
    proxy.judge(() => 'pass');
  }
  const send = async (request: Request) => answer.parse(await lambda('collect').invoke(httpEvent(request)));
  const bucket = (part: string) => {
    const found = deployed.buckets.find((name) => name.startsWith(`acme-test-${part}-`));
    if (found === undefined) throw new Error(`no bucket ${part}`);
    return found;
  };

  /** Puts a file into the landing bucket and says so to the queue that its notification names, as S3 does. */
  async function drop(key: string, body: Uint8Array): Promise<string> {
    const Bucket = bucket('landing');
    const { VersionId } = await clients.s3.send(new PutObjectCommand({ Bucket, Key: key, Body: body }));
    const named = encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');
    const object = { key: named, size: body.byteLength, versionId: VersionId };
    const message = JSON.stringify({
      Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: Bucket }, object } }],
    });
    expect(deployed.notified.get(Bucket)).toBe(queue('landings').arn);
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: queue('landings').url, MessageBody: message }));
    return message;
  }
  const leftInLanding = async () => {
    const left = await clients.s3.send(new ListObjectVersionsCommand({ Bucket: bucket('landing') }));
    return [...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])].map(({ Key }) => Key);
  };

  beforeAll(async () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'percorso.config.ts'), config);
    const till = Array.from({ length: 50 }, (_, i) => ({
      event_type: 'Order Completed',
      event_id: `till-${i}`,
      source: 'till',
      occurred_at: `2026-01-05T10:${String(i).padStart(2, '0')}:00+01:00`,
      identifiers: { loyalty_card: `card-${i % 9}`, email: `person${i % 13}@example.com` },
      value: { order_id: `t-${i}`, revenue: (i * 1.1).toFixed(2), currency: i === 7 ? 'XXX' : 'EUR' },
    }));
    writeFileSync(landed[1] ?? '', gzipSync(till.map((record) => JSON.stringify(record)).join('\n')));

    interceptLocalhostDns();
    const began = Date.now();
    synthesise(dir, 'test', join(folder, 'cdk.out'));
    const synthesised = Date.now();
    sqsServer = await startFauxqs({ port: 0, logger: false, defaultRegion: region });
    moto = await startMoto();
    proxy = await startProxy(moto.address);
    environment = {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_S3: proxy.address,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.address,
      AWS_ENDPOINT_URL_SQS: `http://sqs.${region}.localhost:${sqsServer.port}`,
    };
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const at = (endpoint: string) => ({ endpoint, region, credentials });
    clients = {
      s3: new S3Client(at(moto.address)),
      glue: new GlueClient(at(moto.address)),
      secrets: new SecretsManagerClient(at(moto.address)),
      sqs: new SQSClient(at(`http://127.0.0.1:${sqsServer.port}`)),
    };
    deployed = await deploy(join(folder, 'cdk.out'), clients, identifierKey);
    // What an engineer does after the deployment.
    await clients.secrets.send(
      new PutSecretValueCommand({ SecretId: 'percorso/acme-test/senders', SecretString: JSON.stringify(secrets) }),
    );
    lake = createS3Store(bucket('lake'), clients.s3);
    process.stderr.write(
      `synthesised in ${((synthesised - began) / 1000).toFixed(1)} s, deployed in ${((Date.now() - synthesised) / 1000).toFixed(1)} s\n`,
    );

    // The local road, with the same key.
    const company = await loadCompany({
      dir,
      env: { ...secrets, PERCORSO_IDENTIFIER_KEY: identifierKey },
      openStore: createFolderStore,
    });
    local = company.lake;
    const spool = createSpoolQueue(company.paths.spool);
    const door = {
      config: company.config,
      identifierKey: await company.identifierKey(),
      env: secrets,
      queue: spool,
      hasRate: createRateCheck(company.config.currency, company.lists.fxRates),
    };
    const app = createCollectApp(createCollector(door), createHookReceiver(door));
    for (const { method, path, query, headers, body } of requests) {
      const url = `http://localhost${path}${query === undefined ? '' : `?${query}`}`;
      const response = await app.request(url, {
        method,
        headers,
        ...(method === 'GET' ? {} : { body: new Uint8Array(body) }),
      });
      expect(response.status).toBe(200);
    }
    await drainSpool(company, spool);
    await importFiles(company, landed, { cwd: dir });
  }, 600_000);
  afterAll(async () => {
    for (const opened of lambdas.values()) await opened.kill();
    for (const client of Object.values(clients ?? {})) client.destroy();
    proxy?.stop();
    moto?.stop();
    await sqsServer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the door answers as the local one does', async () => {
    for (const request of requests) expect((await send(request)).statusCode, request.path).toBe(200);
    const picture = await send(requestTo('/i'));
    expect(picture.isBase64Encoded).toBe(true);
    expect(Buffer.from(picture.body, 'base64').subarray(0, 6).toString()).toBe('GIF89a');
    expect((await send({ method: 'GET', path: '/health', headers: {}, body: Buffer.alloc(0) })).body).toBe(
      '{"ok":true}',
    );
    const script = await send({
      method: 'GET',
      path: '/percorso.js',
      headers: { 'accept-encoding': 'gzip' },
      body: Buffer.alloc(0),
    });
    expect(gunzipSync(Buffer.from(script.body, 'base64')).toString()).toContain('analytics');
    const wrong = await send({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: 'Basic bm9uZTo=' },
      body: Buffer.from('{}'),
    });
    expect(wrong.statusCode).toBe(401);
    const preflight = await lambda('collect').invoke({
      ...httpEvent({ method: 'GET', path: '/v1/t', headers: { origin: 'https://acme.it' }, body: Buffer.alloc(0) }),
      requestContext: { http: { method: 'OPTIONS', path: '/v1/t' } },
    });
    expect(answer.parse(preflight).statusCode).toBe(204);
    // The picture was asked for twice: a tracker may do so, and its event id is one.
    expect(await waiting('events')).toBe(requests.length + 1);
  });

  test('the queue is worked off into the lake', async () => {
    const counts = await work('events');
    expect(counts).toMatchObject({ worked: requests.length + 1, failed: 0 });
    expect(await waiting('events')).toBe(0);
    // One object a kind and day for the run; the signed call with costs has its own.
    expect((await lake.list('raw/events/')).length).toBeLessThanOrEqual(2 * counts.runs + 2);
    expect(await lake.list('queued/')).toHaveLength(1);
  });

  test('landed files are imported, and go', async () => {
    for (const path of landed) await drop(`march/${basename(path)}`, readFileSync(path));
    // S3 says so when a notification is set up.
    await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: queue('landings').url,
        MessageBody: JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' }),
      }),
    );
    expect(await work('landings')).toEqual({ runs: 3, worked: 3, failed: 0 });
    expect(await leftInLanding()).toEqual([]);
  });

  /** Rows of both lakes by the columns of a table, without what must differ: when each came in, and the name of a call's set of costs. */
  async function compared(prefix: string, columns: Record<string, string>) {
    const without = ['received_at'];
    const row = (line: Record<string, unknown>) => {
      const importId = String(line.import_id ?? '');
      return asRow(importId.startsWith('hook-') ? { ...line, import_id: 'hook' } : line, columns, without);
    };
    const [here, there] = [await linesOf(local, prefix), await linesOf(lake, prefix)];
    return { local: sorted(here.map(row)), cloud: sorted(there.map(row)), lines: there };
  }

  async function expectSameLakes() {
    const events = await compared('raw/events/', rawEventColumns);
    expect(differences(distinct(events.cloud), distinct(events.local))).toEqual(none);
    const costs = await compared('raw/costs/', rawCostColumns);
    // Of costs every row counts, so they are compared as often as they stand there.
    expect(differences(costs.cloud, costs.local)).toEqual(none);
    return { events, costs };
  }

  test('and the lake holds what the local one holds', async () => {
    const { events, costs } = await expectSameLakes();
    expect(events.local.length).toBeGreaterThan(420);
    expect(costs.local.length).toBeGreaterThan(4);
    const kept = (lines: Record<string, unknown>[]) =>
      lines.map(({ reason, source, message }) => `${source} ${reason} ${message}`).sort();
    expect(kept(await linesOf(lake, 'rejected/'))).toEqual(kept(await linesOf(local, 'rejected/')));
    // Properties are no column of the raw table, and still are what an event is.
    const properties = async (store: Store) =>
      (await linesOf(store, 'raw/events/')).map((line) => `${line.event_id} ${line.properties}`);
    expect(differences(distinct(await properties(lake)), distinct(await properties(local)))).toEqual(none);
  });

  test('no person stands in the lake or in a log', async () => {
    const all = JSON.stringify(await linesOf(lake, 'raw/')) + [...lambdas.values()].map((one) => one.log()).join('');
    expect(/.{0,80}(?:person\d+@example|7654321).{0,20}/i.exec(all)?.[0]).toBeUndefined();
    for (const name of ['store', 'import']) expect(lambda(name).log()).toContain('event:');
    const { SecretString } = await clients.secrets.send(
      new GetSecretValueCommand({ SecretId: 'percorso/acme-test/identifier-key' }),
    );
    expect(SecretString).toContain(identifierKey);
    expect(all).not.toContain(identifierKey);
  });

  describe.skipIf(trinoMissing !== undefined)('as Glue describes it, read by a real Trino', () => {
    let trino: Awaited<ReturnType<typeof startTrino>>;
    let onTrino: ReturnType<typeof createTrinoWarehouse>;
    beforeAll(async () => {
      trino = await startTrino({
        hive: [
          'connector.name=hive',
          'hive.metastore=glue',
          'hive.partition-projection-enabled=true',
          // Athena reads the folders below a table's location, too.
          'hive.recursive-directories=true',
          `hive.metastore.glue.region=${region}`,
          `hive.metastore.glue.endpoint-url=${moto.address}`,
          'hive.metastore.glue.aws-access-key=test',
          'hive.metastore.glue.aws-secret-key=test',
          'fs.native-s3.enabled=true',
          `s3.endpoint=${moto.address}`,
          `s3.region=${region}`,
          's3.path-style-access=true',
          's3.aws-access-key=test',
          's3.aws-secret-key=test',
        ],
      });
      onTrino = createTrinoWarehouse(trino.address);
      // A node that already serves one catalogue may not be known for another yet.
      await trino.ready('select count(*) from hive.acme_test.raw_costs');
    }, 600_000);
    afterAll(() => trino?.stop());

    test.each([
      ['raw_events', 'raw/events/', rawEventColumns, 'received_day'],
      ['raw_costs', 'raw/costs/', rawCostColumns, undefined],
    ] as const)(
      '%s has the rows and columns of the local lake',
      async (table, prefix, columns, day) => {
        const today = new Date().toISOString().slice(0, 10);
        const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
        const where = day === undefined ? '' : ` where ${day} between '${yesterday}' and '${today}'`;
        const { rows, columns: named } = await onTrino.rows(`select * from hive.acme_test.${table}${where}`);
        expect(named.map(({ name }) => name)).toEqual([...Object.keys(columns), ...(day === undefined ? [] : [day])]);
        const at = Object.keys(columns).indexOf('received_at');
        const set = Object.keys(columns).indexOf('import_id');
        for (const row of rows) if (day !== undefined) expect(row.at(-1)).toBe(String(row[at]).slice(0, 10));
        const read = rows.map((row) =>
          row
            .slice(0, Object.keys(columns).length)
            .map((value, index) => (index === set && String(value).startsWith('hook-') ? 'hook' : value))
            .filter((_, index) => index !== at),
        );
        const { local: expected } = await compared(prefix, columns);
        const found = sorted(read);
        // Of events one may stand in two objects, and counts once; of costs each row counts.
        if (day === undefined) expect(differences(found, expected)).toEqual(none);
        else expect(differences(distinct(found), distinct(expected))).toEqual(none);
        process.stderr.write(`${table}: ${found.length} rows read by Trino, ${expected.length} in the local lake\n`);
      },
      300_000,
    );

    test('rejected_index and raw_unlinks can be read', async () => {
      const today = new Date().toISOString().slice(0, 10);
      const rejected = await onTrino.rows(
        `select source, reason, message from hive.acme_test.rejected_index where rejected_day >= date_format(date '${today}' - interval '1' day, '%Y-%m-%d')`,
      );
      expect(rejected.rows.length).toBe((await linesOf(local, 'rejected/')).length);
      expect((await onTrino.rows('select * from hive.acme_test.raw_unlinks')).rows).toEqual([]);
    }, 300_000);
  });

  describe('after a fault the lake is the same', () => {
    test('a poison message goes to the dead letters after its receives, and takes nobody along', async () => {
      const { url, maxReceives } = queue('events');
      await clients.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'not of this door' }));
      // A delivery in its packing, but none inside.
      const inside = gzipSync('{"events":[{"event_id":1}]}').toString('base64');
      await clients.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: `gzip:${inside}` }));
      await send(requestTo('/v1/batch'));
      const counts = await work('events');
      expect(counts).toEqual({ runs: maxReceives, worked: 1, failed: 2 * (maxReceives ?? 0) });
      expect(await waiting('events')).toBe(0);
      expect(await waiting('events-dead')).toBe(2);
      expect(lambda('store').log()).toContain('message_unreadable');
      await expectSameLakes();
    });

    test('a message delivered twice', async () => {
      await send(signedAgain());
      const before = (await compared('raw/costs/', rawCostColumns)).cloud;
      const batch = await nextBatch('events');
      await lambda('store').invoke(batch.event);
      const once = (await compared('raw/costs/', rawCostColumns)).cloud;
      await lambda('store').invoke(batch.event);
      await batch.remove();
      const twice = (await compared('raw/costs/', rawCostColumns)).cloud;
      expect(once.length).toBe(before.length + 1);
      expect(twice).toEqual(once);
    });

    /** One more cost by a signed call, which no other lake has. */
    function signedAgain(): Request {
      return signed([{ cost_date: '2026-02-01', spend: '3.00', currency: 'EUR', campaign: 'again' }]);
    }

    test('a Lambda killed half way through its batch', async () => {
      const fresh = {
        batch: [
          {
            type: 'track',
            event: 'Product Viewed',
            messageId: 'killed-1',
            anonymousId: 'k',
            timestamp: '2026-01-05T10:00:00Z',
          },
        ],
      };
      const authorization = requests[0]?.headers.authorization ?? '';
      await send({
        method: 'POST',
        path: '/v1/batch',
        headers: { authorization },
        body: Buffer.from(JSON.stringify(fresh)),
      });
      await send(signed([{ cost_date: '2026-02-02', spend: '4.00', currency: 'EUR', campaign: 'killed' }]));
      const costsBefore = (await compared('raw/costs/', rawCostColumns)).cloud.length;
      const eventsOf = async () =>
        (await linesOf(lake, 'raw/events/')).filter(({ event_id }) => event_id === 'killed-1').length;
      const batch = await nextBatch('events');
      // The costs are written; the sandbox dies while the events are.
      await killAt('store', batch.event, (method, url) => method === 'PUT' && url.includes('/raw/events/'));
      expect(await eventsOf()).toBe(0);
      expect((await compared('raw/costs/', rawCostColumns)).cloud.length).toBe(costsBefore + 1);
      await lambda('store').invoke(batch.event);
      await batch.remove();
      expect(await eventsOf()).toBe(1);
      expect((await compared('raw/costs/', rawCostColumns)).cloud.length).toBe(costsBefore + 1);
    });

    test('the lake cannot be written for a while: the batch comes again', async () => {
      const authorization = requests[0]?.headers.authorization ?? '';
      const event = {
        batch: [
          {
            type: 'track',
            event: 'Product Viewed',
            messageId: 'later-1',
            anonymousId: 'k',
            timestamp: '2026-01-05T10:00:00Z',
          },
        ],
      };
      await send({
        method: 'POST',
        path: '/v1/batch',
        headers: { authorization },
        body: Buffer.from(JSON.stringify(event)),
      });
      let isDown = true;
      proxy.judge(() => (isDown ? 'fail' : 'pass'));
      let runs = 0;
      const counts = await workOff(clients.sqs, queue('events'), 10, async (batch) => {
        runs += 1;
        if (runs === 2) isDown = false;
        return lambda('store').invoke(batch);
      });
      proxy.judge(() => 'pass');
      expect(counts.failed).toBeGreaterThan(0);
      expect(await waiting('events')).toBe(0);
      expect((await linesOf(lake, 'raw/events/')).filter(({ event_id }) => event_id === 'later-1')).toHaveLength(1);
    });

    test('dead letters put back after the mend are stored once, and what no mend can help is among them again', async () => {
      const { maxReceives = 0 } = queue('events');
      const poison = await waiting('events-dead');
      const known = new Set(await lake.list('queued/'));
      const authorization = requests[0]?.headers.authorization ?? '';
      const track = async (...ids: string[]) => {
        // No packing makes so much noise smaller: SQS takes one in a message, not many.
        const noise = () => randomBytes(22_000).toString('base64');
        const batch = ids.map((messageId) => ({
          type: 'track',
          event: 'Product Viewed',
          messageId,
          anonymousId: 'k',
          properties: { noise: noise() },
        }));
        const body = Buffer.from(JSON.stringify({ batch }));
        expect((await send({ method: 'POST', path: '/v1/batch', headers: { authorization }, body })).statusCode).toBe(
          200,
        );
      };
      const stored = async () =>
        (await linesOf(lake, 'raw/events/'))
          .map(({ event_id }) => String(event_id))
          .filter((id) => id.startsWith('dead-'))
          .sort();
      // The lake is down for longer than a message has receives.
      await track('dead-down');
      proxy.judge(() => 'fail');
      expect(await work('events')).toEqual({ runs: maxReceives, worked: 0, failed: maxReceives });
      proxy.judge(() => 'pass');
      // One whose object is gone, and one of a door that was upgraded before the store.
      const large = Array.from({ length: 14 }, (_, i) => `dead-large-${String(i).padStart(2, '0')}`);
      await track(...large);
      const [queued = ''] = (await lake.list('queued/')).filter((key) => !known.has(key));
      const object = (await lake.get(queued)) ?? '';
      await lake.remove(queued);
      const newer = gzipSync(JSON.stringify({ version: 2, batches: [] })).toString('base64');
      await clients.sqs.send(new SendMessageCommand({ QueueUrl: queue('events').url, MessageBody: `gzip:${newer}` }));
      expect(await work('events')).toMatchObject({ worked: 0, failed: 2 * maxReceives });
      expect(lambda('store').log()).toContain('of version 2, and this Percorso reads up to 1');
      expect(lambda('store').log()).toContain(`the queued object ${queued} is gone`);
      expect(await waiting('events-dead')).toBe(poison + 3);
      expect(await stored()).toEqual([]);

      await lake.put(queued, object);
      expect(await redrive(clients.sqs, queue('events-dead'), queue('events').url)).toBe(poison + 3);
      expect(await work('events')).toMatchObject({ worked: 2, failed: (poison + 1) * maxReceives });
      expect(await stored()).toEqual(['dead-down', ...large]);
      expect(await waiting('events-dead')).toBe(poison + 1);
      // Put back once more, nothing is stored twice.
      await redrive(clients.sqs, queue('events-dead'), queue('events').url);
      await work('events');
      expect(await stored()).toEqual(['dead-down', ...large]);
    });

    test('a landed file told of twice, and dropped again under another name', async () => {
      const path = landed[0] ?? '';
      const before = await compared('raw/costs/', rawCostColumns);
      const message = await drop('again/another name.csv', readFileSync(path));
      await clients.sqs.send(new SendMessageCommand({ QueueUrl: queue('landings').url, MessageBody: message }));
      expect(await work('landings')).toEqual({ runs: 2, worked: 2, failed: 0 });
      expect((await compared('raw/costs/', rawCostColumns)).cloud).toEqual(before.cloud);
      expect(lambda('import').log()).toContain('landing_gone');
      expect(await leftInLanding()).toEqual([]);
    });

    test('an import killed half way', async () => {
      const rows = Array.from({ length: 20 }, (_, i) => ({
        event_type: 'Store Visited',
        event_id: `v-${i}`,
        source: 'till',
        occurred_at: '2026-01-05T10:00:00Z',
        identifiers: { loyalty_card: `card-${i}` },
      }));
      await drop('visits.jsonl', Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')));
      const batch = await nextBatch('landings');
      // All rows are in the lake; the sandbox dies before the ledger says so.
      await killAt(
        'import',
        batch.event,
        (method, url) => method === 'PUT' && url.includes('/imports/') && !url.includes('/started/'),
      );
      expect(await leftInLanding()).toEqual(['visits.jsonl']);
      await lambda('import').invoke(batch.event);
      await batch.remove();
      const visits = (await linesOf(lake, 'raw/events/')).filter(({ event_type }) => event_type === 'Store Visited');
      expect(visits.map(({ event_id }) => event_id).sort()).toEqual(rows.map(({ event_id }) => event_id).sort());
      expect(await leftInLanding()).toEqual([]);
    });

    test('a file that nobody can read stays for a person to mend, and stops no other', async () => {
      await drop('unknown.csv', Buffer.from('a;b\n1;2\n'));
      await drop('table.parquet', Buffer.from('PAR1 broken PAR1'));
      expect(await work('landings')).toEqual({ runs: 2, worked: 2, failed: 0 });
      expect((await leftInLanding()).sort()).toEqual(['table.parquet', 'unknown.csv']);
      expect(
        lambda('import')
          .log()
          .match(/landing_refused/g),
      ).toHaveLength(2);
    });

    test('the key of the hashes is changed while messages wait: all come under the new one, and none fails', async () => {
      const authorization = requests[0]?.headers.authorization ?? '';
      const identify = async (messageId: string) => {
        const traits = { email: 'carla@example.com' };
        const one = { type: 'identify', messageId, anonymousId: 'c', traits, timestamp: '2026-01-05T10:00:00Z' };
        const body = Buffer.from(JSON.stringify({ batch: [one] }));
        expect((await send({ method: 'POST', path: '/v1/batch', headers: { authorization }, body })).statusCode).toBe(
          200,
        );
      };
      await identify('key-before');
      const key = { PERCORSO_IDENTIFIER_KEY: `${identifierKey},${'5e'.repeat(32)}` };
      await clients.secrets.send(
        new PutSecretValueCommand({ SecretId: 'percorso/acme-test/identifier-key', SecretString: JSON.stringify(key) }),
      );
      // This door has the new key at once; the store still keeps the one that it has read.
      await lambda('collect').kill();
      await identify('key-after');
      const before = new Set(await lake.list('raw/events/'));
      expect(await work('events')).toMatchObject({ worked: 2, failed: 0 });
      const made = (await lake.list('raw/events/')).filter((one) => !before.has(one));
      expect(made.filter((one) => !one.endsWith('.k2.jsonl.gz'))).toEqual([]);
      const came = (await linesOf(lake, 'raw/events/')).filter(({ event_id }) => String(event_id).startsWith('key-'));
      expect(came.map(({ event_id }) => event_id).sort()).toEqual(['key-after', 'key-before']);
      expect(new Set(came.map(({ keys }) => JSON.stringify(keys))).size).toBe(1);
      expect(JSON.stringify(came)).toMatch(/"e:[0-9a-f]{32}"/);
    });

    test('a queue that is not there: the door says so, and takes nothing', async () => {
      const spec = deployed.lambdas.get('acme-test-collect');
      if (spec === undefined) throw new Error('no door');
      const env = { ...spec.env, QUEUE_URL: `${spec.env.QUEUE_URL}-gone` };
      const door = openLambda({ ...spec, env }, environment);
      try {
        const refused = answer.parse(await door.invoke(httpEvent(requestTo('/v1/batch'))));
        expect(refused.statusCode).toBe(503);
        expect(door.log()).toContain('queue_failed');
      } finally {
        await door.kill();
      }
    });
  });
});
