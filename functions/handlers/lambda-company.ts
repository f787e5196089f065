import { fileURLToPath } from 'node:url';
import { createManagedSecrets } from '#adapters/managed-secrets';
import { createS3Store } from '#adapters/s3-store';
import { PercorsoError } from '#core/errors';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import { secretsKeptMs } from '#core/key-change';
import type { Clock, Store } from '#core/ports';
import { createVaultSealer, parseVaultKeys } from '#core/vault-sealing';
import { decodeIdentifierKey } from '#pipeline/company/keys';
import { type PackedCompany, readPackedCompany } from '#pipeline/company/packed-company';

/** The folder of a Lambda's bundle: the company lies there, and what else was made at synthesis. */
export const bundleFolder = fileURLToPath(new URL('.', import.meta.url));
export const companyFolder = 'company';
/** The models, in the bundle of what builds. */
export const catalogueFolder = 'catalogue';

export interface OpenedSecrets {
  /** Secrets by the names that the configuration gives them. */
  env: Record<string, string>;
  identifierKey: IdentifierKey;
  /** Seals addresses for the vault; absent where the secrets hold no key of the vault, or none are to be kept. */
  sealAddress: ((address: string) => string) | undefined;
}

export interface LambdaCompany extends PackedCompany {
  lake: Store;
  /**
   * The same object for as long as what was read holds.
   * @param generation what was hashed with this generation of the key is to be written: an older key is not kept any longer.
   */
  secrets(generation?: number): Promise<OpenedSecrets>;
}

/** A variable that the stack sets. */
export function variable(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  throw new PercorsoError(`the Lambda's variable ${name} is not set`, { mend: 'deploy the stack again' });
}

/** The company that was packed beside the bundle, its lake and its secrets. */
export async function openLambdaCompany(env: NodeJS.ProcessEnv, now: Clock = () => new Date()): Promise<LambdaCompany> {
  const packed = await readPackedCompany(`${bundleFolder}${companyFolder}`);
  const secrets = createManagedSecrets(variable(env, 'SECRET_IDS').split(' '));
  const { identifierKeyEnv, vaultKeyEnv } = packed.config.secrets;
  let known: { until: number; opened: Promise<OpenedSecrets> } | undefined;

  async function read(): Promise<OpenedSecrets> {
    const values = await secrets.read();
    const identifierKey = decodeIdentifierKey(values[identifierKeyEnv] ?? '', `the secret ${identifierKeyEnv}`);
    const vaultText = values[vaultKeyEnv];
    const vaultKeys = vaultText === undefined ? undefined : parseVaultKeys(vaultText);
    if (vaultText !== undefined && vaultKeys === undefined) {
      throw new PercorsoError(`the secret ${vaultKeyEnv} holds no key of the vault`, {
        mend: 'put in the public half as `percorso doctor` shows it: public: and 64 hex digits',
      });
    }
    const isKept = packed.config.vault.keep && vaultKeys !== undefined;
    return { env: values, identifierKey, sealAddress: isKept ? createVaultSealer(vaultKeys[0]) : undefined };
  }

  return {
    ...packed,
    lake: createS3Store(variable(env, 'LAKE_BUCKET')),
    async secrets(generation = 1) {
      if (known === undefined || known.until < now().getTime()) {
        known = { until: now().getTime() + secretsKeptMs, opened: read() };
      }
      let { opened } = known;
      try {
        if (generationOf((await opened).identifierKey) >= generation) return await opened;
        opened = read();
        known = { until: now().getTime() + secretsKeptMs, opened };
        return await opened;
      } catch (error) {
        // The next request asks again.
        if (known?.opened === opened) known = undefined;
        throw error;
      }
    },
  };
}
