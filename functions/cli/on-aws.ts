import { join } from 'node:path';
import { UsageError } from '#core/errors';
import { formerKeyMs } from '#core/key-change';
import { lake as places } from '#core/lake';
import type { Company } from '#pipeline/company/company';
import { type LoadCompany, type Need, openBucketCompany } from './bucket-company.ts';

/** What a command needs of the lake on this machine. Commands that are not here do not run on AWS. */
const needs: Record<string, Need> = {
  rejected: 'nothing',
  imports: 'nothing',
  unlink: 'nothing',
  query: 'the published tables',
  export: 'the published tables',
  explain: 'the published tables',
  // What makes them fetches the published tables.
  dashboards: 'nothing',
  build: 'everything',
  erase: 'everything',
  'rotate-key': 'everything',
};

/** They read what is published, which names nobody; or take out what bears an import's id, and open nothing. */
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
 */
export async function openOnAws(
  on: string,
  command: string,
  env: NodeJS.ProcessEnv,
  load: LoadCompany,
): Promise<Company> {
  const stage = /^aws(?::([a-z][a-z0-9]{1,7}))?$/.exec(on);
  if (stage === null) {
    throw new UsageError(`--on ${on}: no place that a company runs at`, {
      mend: 'write --on aws, --on aws:test or --on trino',
    });
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
  const [{ S3Client }, { SecretsManagerClient }, s3Store, secrets] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/client-secrets-manager'),
    import('#adapters/s3-store'),
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
  const inBucket = createS3Store(bucket, client);
  const { company, store } = await openBucketCompany({
    bucket: inBucket,
    need,
    load,
    env: merged,
    data: join(dir, '.percorso', 'on-aws', name),
  });
  const { vaultKeyEnv } = config.secrets;
  if (command === 'erase' && (env[vaultKeyEnv] ?? '') === '' && (await company.lake.list(places.vault)).length > 0) {
    throw new UsageError('the vault holds addresses, and here is no key to open them', {
      mend: `set ${vaultKeyEnv} to the private half of the vault's key: without it nothing proves that a person is gone`,
    });
  }
  return {
    ...company,
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
