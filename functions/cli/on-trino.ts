import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { runOnTrino, type TrinoAddress, type TrinoAnswer, TrinoError } from '#adapters/trino-client';
import type { TrinoConfig } from '#core/config';
import { PercorsoError, UsageError } from '#core/errors';
import { lake as places } from '#core/lake';
import { trinoDialect } from '#core/lake-sql';
import type { Store } from '#core/ports';
import type { LakeBuilder } from '#pipeline/builds/lake-build';
import type { Company } from '#pipeline/company/company';
import { type LoadCompany, type Need, nameHolder, openBucketCompany } from './bucket-company.ts';
import type { CompanyWithEngine, LakeEngine } from './lake-engine.ts';

/** What a command needs of the lake on this machine. Commands that are not here do not run on Trino. */
const needs: Record<string, Need> = {
  import: 'nothing',
  imports: 'nothing',
  collect: 'nothing',
  rejected: 'nothing',
  unlink: 'nothing',
  build: 'nothing',
  nightly: 'nothing',
  query: 'the published tables',
  export: 'the published tables',
  explain: 'the published tables',
  // To serve what is made needs no table; what makes them fetches the tables.
  dashboards: 'nothing',
  erase: 'everything',
  'rotate-key': 'everything',
};

/** They build on Trino, under a lease of the build's own. */
const buildThere = ['build', 'nightly'];

/**
 * Opens the lake of the firm's own Trino: a bucket of the S3 protocol. Keys of the company are those of its folder or of the
 * environment, as on one machine; credentials of the bucket are found as the AWS command line finds them. What is worked with
 * lies below `.percorso/on-trino/` of the company's folder, apart from a lake that it has on this machine.
 */
export async function openOnTrino(
  command: string,
  env: NodeJS.ProcessEnv,
  load: LoadCompany,
): Promise<CompanyWithEngine> {
  const need = needs[command];
  if (need === undefined) {
    throw new UsageError(`\`percorso ${command}\` does not run on Trino`, {
      mend: `these do: ${Object.keys(needs).join(', ')}`,
    });
  }
  const own = await load({ env });
  const { config, dir } = own;
  const { trino } = config;
  if (trino === undefined) {
    throw new UsageError('the configuration does not say which Trino the company has', {
      mend: "add trino: { url: 'https://trino.acme.it', bucket: 'acme-lake' } to percorso.config.ts; docs/trino.md has the rest",
    });
  }
  const client = await openS3(trino);
  const { createS3Store, removeFormerVersions, removeFormerVersionsBelow } = await import('#adapters/s3-store');
  const bucket = createS3Store(trino.bucket, client);
  await bucket.list(places.current).catch((cause: unknown) => {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`the bucket ${trino.bucket} at ${trino.endpoint ?? 'S3'} cannot be read: ${said}`, {
      mend: 'check bucket, endpoint and region of trino, and the credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile',
      cause,
    });
  });
  const { company, store } = await openBucketCompany({
    bucket,
    need,
    load,
    env,
    data: join(dir, '.percorso', 'on-trino', trino.bucket),
  });
  const isBuiltThere = buildThere.includes(command);
  const lake: Store = need === 'nothing' ? { ...bucket, locate: store.locate } : company.lake;
  const { keyFilePath, readIdentifierKey, readVaultKeys } = await import('#pipeline/company/keys');
  const { createVaultSealer } = await import('#core/vault-sealing');
  const keys = { config, dir, env };
  const { identifierKeyEnv, identifierKeyFile, vaultKeyEnv, vaultKeyFile } = config.secrets;
  /** A key that is missing is made, once. On another machine than that of the first one it would be a second. */
  const requireOwn = async (what: string, variable: string, name: string, prefix: string) => {
    const file = keyFilePath(dir, name);
    if ((env[variable] ?? '') !== '' || existsSync(file) || (await bucket.list(prefix)).length === 0) return;
    throw new UsageError(`${what} of the lake is not here: neither ${variable} nor ${file}`, {
      mend: `copy the file from the machine that has it, or set ${variable} to what stands in it`,
    });
  };
  const readVault = async () => {
    await requireOwn('the key of the vault', vaultKeyEnv, vaultKeyFile, places.vault);
    return readVaultKeys(keys);
  };
  return {
    ...company,
    lake,
    paths: { ...company.paths, ...(command === 'nightly' ? { landing: own.paths.landing } : {}) },
    // They stand in the folder of the company, whichever lake it works on.
    async identifierKey() {
      await requireOwn('the key of identifiers', identifierKeyEnv, identifierKeyFile, 'raw/');
      return readIdentifierKey(keys, lake);
    },
    vaultKeys: readVault,
    sealAddress: async () => (config.vault.keep ? createVaultSealer((await readVault())[0]) : undefined),
    addIdentifierSecret: own.addIdentifierSecret,
    ...(isBuiltThere
      ? {
          // A build takes the lease itself.
          alone: <Result>(work: () => Promise<Result>) => work(),
          engine: openEngine({ ...company, lake: bucket }, trino, env),
        }
      : {}),
    forgetFormerVersions: (below) =>
      below === undefined
        ? removeFormerVersions(trino.bucket, store.changed(), client)
        : // What builds made for themselves lies in the same bucket, and holds what raw holds.
          removeFormerVersionsBelow(trino.bucket, [...below, 'tables/'], client),
  };
}

/** @throws UsageError where a variable that the configuration names is not set. */
export function addressOf(trino: TrinoConfig, env: NodeJS.ProcessEnv): TrinoAddress {
  const { user, passwordEnv, tokenEnv, catalog, schema } = trino;
  const secret = (variable: string, what: string) => {
    const value = env[variable] ?? '';
    if (value !== '') return value;
    throw new UsageError(`${variable} is not set: it holds ${what} of the user "${user}" of Trino`, {
      mend: `set ${variable}, or leave its name out of trino in percorso.config.ts`,
    });
  };
  const authorization =
    passwordEnv !== undefined
      ? `Basic ${Buffer.from(`${user}:${secret(passwordEnv, 'the password')}`).toString('base64')}`
      : tokenEnv !== undefined
        ? `Bearer ${secret(tokenEnv, 'the token')}`
        : undefined;
  const url = trino.url.replace(/\/+$/, '');
  return { url, user, catalog, schema, ...(authorization === undefined ? {} : { authorization }) };
}

async function openS3({ endpoint, region }: TrinoConfig): Promise<S3Client> {
  const { S3Client, S3ServiceException } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    region,
    // By default it would wait for ever where a line is cut without a word.
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    ...(endpoint === undefined
      ? {}
      : {
          endpoint,
          // Few of them have a name for each bucket, or know the checksums that AWS has added.
          forcePathStyle: true,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
  });
  // What a proxy before the store answers has no words that the client reads.
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const isSilent = error instanceof S3ServiceException && error.message === 'UnknownError';
        if (isSilent) error.message = `the answer is HTTP ${error.$metadata.httpStatusCode}, without a reason`;
        throw error;
      }
    },
    { step: 'initialize', name: 'tellStatus' },
  );
  return client;
}

/** @param company with the bucket itself as its lake: addresses are those that Trino reads. */
function openEngine(company: Company, trino: TrinoConfig, env: NodeJS.ProcessEnv): LakeEngine {
  const bucket = company.lake;
  const filesOf = (database: string) => `${trino.filesCatalog}.${database}_files`;
  const target = {
    dialect: (database: string) => trinoDialect(filesOf(database)),
    rawDatabase: trino.schema,
    tables: bucket,
    company,
  };
  return {
    target,
    async build(catalogue, { now = () => new Date(), ...options }) {
      const [{ runLakeBuild }, { createTrinoWarehouse, valuesOf }, { renewedSeconds }, { columnsOfTables }] =
        await Promise.all([
          import('#pipeline/builds/lake-run'),
          import('#adapters/trino-warehouse'),
          import('#pipeline/builds/lease'),
          import('./build.ts'),
        ]);
      const address = addressOf(trino, env);
      await requireCatalogs(trino, address);
      await requireConditionalWrites(bucket, trino);
      const builder: Omit<LakeBuilder, 'results'> = {
        ...target,
        on: 'trino',
        catalogue,
        types: await columnsOfTables(company, catalogue),
        leaseSeconds: renewedSeconds,
        openWarehouse: (database, prefix) =>
          createTrinoWarehouse({ ...address, schema: database, files: filesOf(database), store: bucket, prefix }),
        now,
      };
      const engine = {
        async run(database: string, sql: string) {
          const answer = await runOnTrino({ ...address, schema: database }, sql).catch((error: unknown) => {
            if (!isThereAlready(error, sql)) throw error;
            return nothingToTell;
          });
          const names = answer.columns.map(({ name }) => name);
          const rows = valuesOf(answer).map((row) =>
            Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])),
          );
          return { id: answer.id, bytes: answer.scannedBytes, rows };
        },
        isOfStatement: (error: unknown) => error instanceof TrinoError && error.isOfStatement,
        atOnce: trino.statementsAtOnce,
        shownBy: 'percorso build --plan --on trino',
      };
      return runLakeBuild(builder, engine, nameHolder(), options);
    },
  };
}

const nothingToTell: TrinoAnswer = { id: '', columns: [], rows: [], scannedBytes: 0 };

/** A folder that was registered, although the answer was lost: asked again, it is there already. */
const isThereAlready = (error: unknown, sql: string) =>
  error instanceof TrinoError && error.errorName === 'ALREADY_EXISTS' && sql.startsWith('call ');

/** @throws PercorsoError where Trino does not answer, refuses the user, or has not both catalogs. */
async function requireCatalogs({ catalog, filesCatalog }: TrinoConfig, address: TrinoAddress): Promise<void> {
  const { rows } = await runOnTrino(address, 'show catalogs');
  const known = rows.map(([name]) => String(name));
  for (const [setting, name] of Object.entries({ catalog, filesCatalog })) {
    if (known.includes(name)) continue;
    throw new PercorsoError(
      `the Trino at ${address.url} shows its user no catalog ${name}; it shows ${known.join(', ')}`,
      {
        mend: `set trino.${setting} to the name of yours, or make it as docs/trino.md shows`,
      },
    );
  }
}

/**
 * Of two builds that begin at one instant the store must tell one that it was too late.
 * @throws PercorsoError where it would let both.
 */
async function requireConditionalWrites(bucket: Store, { bucket: name, endpoint }: TrinoConfig): Promise<void> {
  const key = `tables/conditional-write-${randomBytes(4).toString('hex')}`;
  await bucket.put(key, 'first');
  const isReplaced = await bucket.putIfAbsent(key, 'second');
  await bucket.remove(key);
  if (!isReplaced) return;
  throw new PercorsoError(
    `${endpoint ?? 'S3'} replaces an object of ${name} although it was asked to write none that is there`,
    {
      mend: 'use a store that knows If-None-Match: S3, MinIO and most others do, in a version of 2024 or later',
    },
  );
}
