import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { createS3Store } from '#adapters/s3-store';
import { isNamedByContent } from '#adapters/site-bucket';
import { readDeployment } from '../../infra/deployment.ts';
import { siteBuildspec, writeSiteSource } from '../../infra/site-source.ts';
import { runCommand } from '../run-command.ts';
import { startMoto, whatMotoMisses } from './moto.ts';

/*
 * What CodeBuild does after a publish, by the very commands of its buildspec: the source as it is deployed, installed from
 * nothing in a folder of its own, reads the published prefix of a bucket and puts the site into another. Only the image is not
 * CodeBuild's, and nothing enforces the role.
 */
const missing = whatMotoMisses();
if (missing !== undefined) process.stderr.write(`skipped: the site's build needs ${missing}\n`);

const run = promisify(execFile);
const lakeBucket = 'acme-test-lake-123456789012';
const siteBucket = 'acme-test-site-123456789012';

describe.skipIf(missing !== undefined)('the build of the site', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let client: S3Client;
  let folder: string;
  let source: string;
  let env: NodeJS.ProcessEnv;

  const command = async (...argv: string[]) =>
    (await runCommand(argv, { cwd: folder, env: { PERCORSO_IDENTIFIER_KEY: 'ab'.repeat(32) } })).code;

  beforeAll(async () => {
    moto = await startMoto();
    const aws = {
      AWS_ENDPOINT_URL: moto.address,
      AWS_REGION: 'eu-south-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
    client = new S3Client({
      endpoint: moto.address,
      region: 'eu-south-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    folder = await mkdtemp(join(tmpdir(), 'percorso-site-build-'));
    const dir = join(folder, 'company');
    await command('demo', dir, '--customers', '200', '--days', '200', '--no-truth');
    const config = join(dir, 'percorso.config.ts');
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('defineConfig({', "defineConfig({\n  aws: { id: 'acme' },"));
    await command('import', join(dir, 'landing'), '--dir', dir);
    expect(await command('build', '--dir', dir)).toBe(0);
    const CreateBucketConfiguration = { LocationConstraint: 'eu-south-1' as const };
    for (const Bucket of [lakeBucket, siteBucket]) {
      await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    }
    // The published prefix, and nothing else of the lake: the role may read no more.
    const [here, there] = [createFolderStore(join(dir, 'lake')), createS3Store(lakeBucket, client)];
    for (const key of await here.list('marts/')) await there.put(key, (await here.get(key)) ?? '');
    const deployment = await readDeployment(dir, 'test');
    source = await writeSiteSource(deployment.company, join(folder, 'source'));
    // What a build has of an environment: no NODE_ENV of a test runner.
    const { PATH, HOME, npm_config_cache, npm_config_registry, NODE_EXTRA_CA_CERTS } = process.env;
    env = {
      PATH,
      HOME,
      npm_config_cache,
      npm_config_registry,
      NODE_EXTRA_CA_CERTS,
      ...aws,
      PERCORSO_LAKE_BUCKET: lakeBucket,
    };
  });
  afterAll(async () => {
    client?.destroy();
    moto?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  async function keys(): Promise<string[]> {
    const found: string[] = [];
    let next: string | undefined;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket: siteBucket, ContinuationToken: next }));
      for (const { Key = '' } of page.Contents ?? []) found.push(Key);
      next = page.NextContinuationToken;
    } while (next !== undefined);
    return found;
  }

  test('installs, makes the pages of the published tables, and puts them where CloudFront reads them', async () => {
    const { phases } = siteBuildspec('test', siteBucket);
    let said = '';
    for (const line of [...phases.install.commands, ...phases.build.commands]) {
      const { stderr } = await run('bash', ['-c', line], { cwd: source, env, maxBuffer: 1 << 26 });
      said += stderr;
    }
    expect(said).toMatch(/\d+ files put into acme-test-site-123456789012, 0 removed/);
    const put = await keys();
    for (const page of ['index.html', 'channels/index.html', 'glossary/index.html']) expect(put).toContain(page);
    expect(put.filter((key) => key.endsWith('.br'))).toEqual([]);
    const get = (Key: string) => client.send(new GetObjectCommand({ Bucket: siteBucket, Key }));
    const front = await get('index.html');
    expect(front).toMatchObject({ ContentType: 'text/html', CacheControl: 'no-cache' });
    const html = (await front.Body?.transformToString()) ?? '';
    // Figures are in the page as it comes.
    expect(html).toContain('id="sentence"');
    expect(html).toContain('€');
    const script = put.find((key) => /^_app\/immutable\/.*\.js$/.test(key)) ?? '';
    expect(await get(script)).toMatchObject({
      ContentType: 'text/javascript',
      CacheControl: 'public, max-age=31536000, immutable',
    });

    // The same publish once more: what is named by its content is not sent again, and a page that is gone goes.
    await createS3Store(siteBucket, client).put('old/index.html', 'an old page');
    const [again = ''] = phases.build.commands;
    const { stderr } = await run('bash', ['-c', again], { cwd: source, env, maxBuffer: 1 << 26 });
    const [, files = '0', removed] = /(\d+) files put into \S+, (\d+) removed/.exec(stderr) ?? [];
    expect(Number(files)).toBe(put.filter((key) => !isNamedByContent(key)).length);
    expect(put.filter(isNamedByContent).length).toBeGreaterThan(20);
    expect(removed).toBe('1');
    expect(await keys()).toEqual(put);
  }, 1_200_000);
});
