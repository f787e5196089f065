import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod';
import type { Config } from '#core/config';
import { PercorsoError, UsageError } from '#core/errors';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { parseVaultKeys, type VaultKey } from '#core/vault-sealing';

/** Where the keys of a company stand. */
export interface KeyPlaces {
  config: Config;
  dir: string;
  env: Record<string, string | undefined>;
}

const keyBytes = 32;
/** A secret of a key, in hex. */
export const newSecret = () => randomBytes(keyBytes).toString('hex');

/** The absolute path of a key file that the configuration names. */
export function keyFilePath(dir: string, file: string): string {
  return isAbsolute(file) ? file : join(dir, file);
}

const hashingShape = z.object({ generation: z.number(), done: z.number(), changed_at: z.string() });
/** Under which generation of the key a lake is: `done` is behind `generation` while a change of the key is under way. */
export type Hashing = z.output<typeof hashingShape>;

export async function readHashing(lake: Store): Promise<Hashing> {
  const body = await lake.get(places.hashing);
  if (body === undefined) return { generation: 1, done: 1, changed_at: '' };
  return hashingShape.parse(JSON.parse(Buffer.from(body).toString('utf8')));
}

export async function writeHashing(lake: Store, hashing: Hashing): Promise<void> {
  await lake.put(places.hashing, `${JSON.stringify(hashing)}\n`);
}

/**
 * The secret of the keyed hashes, or all of them where the key was changed: from the environment, else from the key file,
 * which is made on first need. A lost key would make every person a stranger, so it is made once, whole, and never replaced.
 * @throws PercorsoError where the key is there but unusable, or older than the lake.
 */
export async function readIdentifierKey(keys: KeyPlaces, lake: Store): Promise<IdentifierKey> {
  const { identifierKeyEnv, identifierKeyFile } = keys.config.secrets;
  const fromEnv = keys.env[identifierKeyEnv];
  const file = keyFilePath(keys.dir, identifierKeyFile);
  const isFromEnv = fromEnv !== undefined && fromEnv !== '';
  const text = isFromEnv ? fromEnv : await readOrMake(file, newSecret);
  const key = decodeIdentifierKey(text, isFromEnv ? `the environment variable ${identifierKeyEnv}` : file);
  const { generation } = await readHashing(lake);
  if (generationOf(key) < generation) {
    throw new PercorsoError(
      `the identifier key was changed: the lake is under the ${generation} secrets of the new one, and here are ${generationOf(key)}`,
      { mend: `give this process the key that \`percorso rotate-key\` made (${isFromEnv ? identifierKeyEnv : file})` },
    );
  }
  return key;
}

/**
 * The secrets of the keyed hashes from their hex text.
 * @param origin where the text came from, for the message.
 * @throws PercorsoError where it is no key.
 */
export function decodeIdentifierKey(text: string, origin: string): IdentifierKey {
  const secrets = text.trim().split(/[\s,]+/);
  const decoded = secrets.map((secret) => Buffer.from(secret, 'hex'));
  const isWhole = decoded.every((key, at) => key.length >= 16 && key.toString('hex') === secrets[at]?.toLowerCase());
  const [first] = decoded;
  if (isWhole && first !== undefined) return decoded.length === 1 ? first : decoded;
  throw new PercorsoError(`${origin} holds no usable key of identifiers`, {
    mend: 'put back the key that this company began with (64 hex digits); with another one every person becomes a stranger',
  });
}

/**
 * Adds a secret to the key of identifiers, the newest one from now on.
 * @throws UsageError where the key comes from the environment, which no command can change.
 */
export async function addIdentifierSecret(keys: KeyPlaces): Promise<void> {
  const { identifierKeyEnv, identifierKeyFile } = keys.config.secrets;
  const fromEnv = keys.env[identifierKeyEnv] ?? '';
  if (fromEnv !== '') {
    throw new UsageError(`the key comes from ${identifierKeyEnv}, which only you can change`, {
      mend: `append a comma and a new secret to it (openssl rand -hex 32), in every place that has it, and run the command again`,
    });
  }
  const file = keyFilePath(keys.dir, identifierKeyFile);
  const before = await readOrMake(file, newSecret);
  await replaceKeyFile(file, `${before.trim()}\n${newSecret()}\n`);
}

/**
 * Makes another key the vault's, before the one that was it. Older ones go: nothing is sealed under them any more.
 * @throws UsageError where the key comes from the environment, which no command can change.
 */
export async function addVaultKey(keys: KeyPlaces): Promise<void> {
  const { vaultKeyEnv, vaultKeyFile } = keys.config.secrets;
  if ((keys.env[vaultKeyEnv] ?? '') !== '') {
    throw new UsageError(`the key of the vault comes from ${vaultKeyEnv}, which only you can change`, {
      mend: 'put a new key (openssl rand -hex 32) and a comma before the one that stands there, and run the command again',
    });
  }
  const file = keyFilePath(keys.dir, vaultKeyFile);
  const [last] = (await readOrMake(file, newSecret)).trim().split(/[\s,]+/);
  await replaceKeyFile(file, `${newSecret()}\n${last}\n`);
}

/**
 * The keys of the vault, the one of today first, from the environment, else from their file, which is made on first need.
 * @throws PercorsoError where one is there but unusable.
 */
export async function readVaultKeys({ config, dir, env }: KeyPlaces): Promise<[VaultKey, ...VaultKey[]]> {
  const { vaultKeyEnv, vaultKeyFile } = config.secrets;
  const fromEnv = env[vaultKeyEnv] ?? '';
  const file = keyFilePath(dir, vaultKeyFile);
  const found = parseVaultKeys(fromEnv === '' ? await readOrMake(file, newSecret) : fromEnv);
  if (found !== undefined) return found;
  throw new PercorsoError(
    `${fromEnv === '' ? file : `the environment variable ${vaultKeyEnv}`} holds no key of the vault`,
    {
      mend: 'put back the key with which the vault was filled: 64 hex digits, or public: and 64 hex digits',
    },
  );
}

async function writeDraft(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return draft;
}

async function readOrMake(file: string, make: () => string): Promise<string> {
  const existing = await readIfThere(file);
  if (existing !== undefined) return existing;
  const draft = await writeDraft(file, `${make()}\n`);
  try {
    // A link, unlike a rename, lets the first of two processes win.
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await readIfThere(file)) ?? '';
}

async function replaceKeyFile(file: string, text: string): Promise<void> {
  await rename(await writeDraft(file, text), file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
