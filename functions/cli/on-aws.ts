import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PercorsoError, UsageError } from '#core/errors';
import { formerKeyMs } from '#core/key-change';
import { lake as places } from '#core/lake';
import { foldersOf } from '#core/lake-sql';
import type { Store } from '#core/ports';
import type { Company } from '#pipeline/company/company';

/**
 * What a command needs of the lake on this machine; `everything` is fetched once it is its turn to build (`alone`). Commands
 * that are not here do not run on AWS.
 */
const needs: Record<string, 'nothing' | 'the published tables' | 'everything'> = {
  rejected: 'nothing',
  imports: 'nothing',
  unlink: 'nothing',
  query: 'the published tables',
  export: 'the published tables',
  explain: 'the published tables',
  dashboards: 'the published tables',
  build: 'everything',
  erase: 'everything',
  'rotate-key': 'everything',
};

/** They read what is published, which names nobody; or move whole objects. */
const withoutSecrets = ['query', 'export', 'dashboards', 'imports'];

const elsewhere: Record<string, string> = {
  import: 'drop the file into the landing bucket',
  collect: 'the door of the deployment takes events',
  nightly: 'the schedule of the deployment does it',
};

/**
 * Opens the lake of a deployment: `--on aws` is the stage prod, `--on aws:test` another. The bucket is found by its name, secrets
 * come from Secrets Manager, credentials as the AWS command line has them. What is worked with lies below
 * `.percorso/on-aws/` of the company's folder, apart from a lake that it has on this machine.
 * @param on what stands behind `--on`. @param command the command that is called.
 * @param load opens the company of the folder, with these variables, at another place of its data.
 */
export async function openOnAws(
  on: string,
  command: string,
  env: NodeJS.ProcessEnv,
  load: (more: {
    env: NodeJS.ProcessEnv;
    data?: string;
    openStore?: (folder: string) => Company['lake'];
  }) => Promise<Company>,
): Promise<Company> {
  const stage = /^aws(?::([a-z][a-z0-9]{1,7}))?$/.exec(on);
  if (stage === null) {
    throw new UsageError(`--on ${on}: no place that a company runs at`, { mend: 'write --on aws, or --on aws:test' });
  }
  const need = needs[command];
  if (need === undefined) {
    throw new UsageError(`\`percorso ${command}\` does not run on AWS from here`, {
      mend: elsewhere[command] ?? `these do: ${Object.keys(needs).join(', ')}`,
    });
  }
  const { config, dir } = await load({ env });
  const { aws } = config;
  if (aws === undefined) {
    throw new UsageError('the configuration does not say how the company runs on AWS', {
      mend: "add aws: { id: 'acme', region: 'eu-south-1' } to percorso.config.ts",
    });
  }
  const name = `${aws.id}-${stage[1] ?? 'prod'}`;
  const [{ S3Client }, { SecretsManagerClient }, s3Store, mirror, secrets] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/client-secrets-manager'),
    import('#adapters/s3-store'),
    import('#adapters/mirrored-store'),
    import('#adapters/managed-secrets'),
  ]);
  const { createS3Store, findBucket, removeFormerVersions, removeFormerVersionsBelow } = s3Store;
  const { region } = aws;
  const client = new S3Client({ region });
  const bucket = env.PERCORSO_LAKE_BUCKET ?? (await findBucket(`${name}-lake-`, client));
  if (bucket === undefined) {
    throw new UsageError(`there is no lake of ${name} in this account`, {
      mend: 'check the id, the stage and the credentials (aws sts get-caller-identity); or deploy it: docs/aws.md',
    });
  }
  const keySecret = `percorso/${name}/identifier-key`;
  const secretsManager = new SecretsManagerClient({ region });
  const managed = withoutSecrets.includes(command)
    ? {}
    : await secrets.createManagedSecrets([`percorso/${name}/senders`, keySecret], secretsManager).read();
  const { identifierKeyEnv } = config.secrets;
  if (!withoutSecrets.includes(command) && (managed[identifierKeyEnv] ?? '') === '') {
    throw new UsageError(`the secret ${keySecret} has no ${identifierKeyEnv}`, {
      mend: 'put the key that the lake is under back into it: docs/aws.md, Deploy, 3; a new one would make every person a stranger',
    });
  }
  // The private half of the vault's key is in no account: whoever has it gives it here. The key of the hashes is the lake's.
  const merged = { ...managed, ...env, [identifierKeyEnv]: managed[identifierKeyEnv] };
  const data = join(dir, '.percorso', 'on-aws', name);
  const inBucket = createS3Store(bucket, client);
  const holder = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const stores: ReturnType<typeof mirror.createMirroredStore>[] = [];
  const turn = { isOwn: false, isOnFiles: false };
  const company = await load({
    env: merged,
    data,
    openStore: (folder) => {
      const store = mirror.createMirroredStore(inBucket, folder);
      stores.push(store);
      const put: typeof store.put = async (key, body) => {
        if (key === places.current) await holdLease(inBucket, holder);
        await store.put(key, body);
      };
      // What came in since it was fetched is listed too: an engine that is told of it must find it here.
      const list = (prefix: string) =>
        turn.isOnFiles && readByFile.some((one) => prefix.startsWith(one)) ? store.pull([prefix]) : store.list(prefix);
      return { ...store, put, list };
    },
  });
  const [store] = stores;
  if (store === undefined) throw new Error('the company opened no store');
  const { vaultKeyEnv } = config.secrets;
  if (command === 'erase' && (env[vaultKeyEnv] ?? '') === '' && (await company.lake.list(places.vault)).length > 0) {
    throw new UsageError('the vault holds addresses, and here is no key to open them', {
      mend: `set ${vaultKeyEnv} to the private half of the vault's key: without it nothing proves that a person is gone`,
    });
  }
  if (need === 'the published tables') await pullPublished(company, store.pull);
  const begin = async <Result>(work: () => Promise<Result>, on: 'files' | 'objects'): Promise<Result> => {
    if (on === 'files' && !turn.isOnFiles) {
      // Under the lease, so that what the last build published is there too.
      await store.pull(Object.values(prefixes));
      turn.isOnFiles = true;
    }
    return work();
  };
  const alone: Company['alone'] = async (work, on = 'files') => {
    if (turn.isOwn) return begin(work, on);
    const [{ whileLeased }, { createBuildId }] = await Promise.all([
      import('#pipeline/builds/lease'),
      import('#pipeline/builds/build'),
    ]);
    return whileLeased(inBucket, { holder, buildId: createBuildId(wallClock) }, wallClock, async () => {
      turn.isOwn = true;
      try {
        return await begin(work, on);
      } finally {
        turn.isOwn = false;
        turn.isOnFiles = false;
      }
    });
  };
  return {
    ...company,
    alone,
    // As in the Lambdas: without a key of the vault no address is kept. One made here would seal what nobody else can open.
    sealAddress: async () => ((merged[vaultKeyEnv] ?? '') === '' ? undefined : company.sealAddress()),
    async addIdentifierSecret() {
      const { newSecret } = await import('#pipeline/company/keys');
      // The doors read it there: nothing can be hashed with a secret that is not kept.
      const add = (before: string) => `${before.trim()},${newSecret()}`;
      merged[identifierKeyEnv] = await secrets.changeManagedSecret(keySecret, identifierKeyEnv, add, secretsManager);
    },
    formerKeyMs,
    forgetFormerVersions: (below) =>
      below === undefined
        ? removeFormerVersions(bucket, store.changed(), client)
        : removeFormerVersionsBelow(bucket, below, client),
  };
}

const wallClock = () => new Date();

/** @throws PercorsoError where the lease went to somebody else meanwhile, as after this machine slept: nothing is published then. */
async function holdLease(store: Store, holder: string): Promise<void> {
  const { holdsLease } = await import('#pipeline/builds/lease');
  if (await holdsLease(store, holder, wallClock)) return;
  throw new PercorsoError('the lease of this build is over, and another build may have begun: nothing was published', {
    mend: 'run the command again',
  });
}

/** What builds read file by file. */
const readByFile = ['raw/', places.rejected, places.unlinks];

const prefixes = {
  raw: 'raw/',
  rejected: places.rejected,
  vault: places.vault,
  imports: places.imports,
  erased: places.erased,
  people: 'people/',
  marts: 'marts/',
};

async function pullPublished(company: Company, pull: (keys: readonly string[]) => Promise<unknown>): Promise<void> {
  const { requireBuild } = await import('#pipeline/reading/query');
  const manifest = await requireBuild(company.lake);
  const keys = Object.values(manifest.tables).flatMap(({ files }) => files.map(({ key }) => key));
  await pull(foldersOf(keys));
}
