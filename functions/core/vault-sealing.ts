import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { PercorsoError } from '#core/errors';
import { createRecentlyUsed } from '#core/recently-used';

/**
 * The vault's key pair (X25519). The doors need the public half alone: they can put addresses in, and read none. Who sends
 * needs the private half.
 */
export interface VaultKey {
  publicKey: Buffer;
  /** Absent where only the public half was given. */
  privateKey?: Buffer;
}

const mark = 'vault1:';
const publicMark = 'public:';
/** What stands before the 32 bytes of such a key in its DER form (RFC 8410). */
const der = {
  private: Buffer.from('302e020100300506032b656e04220420', 'hex'),
  public: Buffer.from('302a300506032b656e032100', 'hex'),
};

const privateOf = (bytes: Buffer) =>
  createPrivateKey({ key: Buffer.concat([der.private, bytes]), format: 'der', type: 'pkcs8' });
const publicOf = (bytes: Buffer) =>
  createPublicKey({ key: Buffer.concat([der.public, bytes]), format: 'der', type: 'spki' });
const bytesOf = (key: KeyObject) => key.export({ format: 'der', type: 'spki' }).subarray(der.public.length);

/**
 * Reads keys as they stand in their file or variable, the newest first: 64 hex digits, or `public:` and 64 hex digits. Those
 * after the first were the vault's before, and still open what was sealed under them.
 * @returns undefined where one is neither, or there is none.
 */
export function parseVaultKeys(text: string): [VaultKey, ...VaultKey[]] | undefined {
  const [first, ...older] = text
    .trim()
    .split(/[\s,]+/)
    .map(parseVaultKey);
  if (first === undefined || older.includes(undefined)) return undefined;
  return [first, ...older.filter((key) => key !== undefined)];
}

export function parseVaultKey(text: string): VaultKey | undefined {
  const trimmed = text.trim();
  const isPublic = trimmed.startsWith(publicMark);
  const digits = isPublic ? trimmed.slice(publicMark.length) : trimmed;
  if (!/^[0-9a-f]{64}$/i.test(digits)) return undefined;
  const bytes = Buffer.from(digits, 'hex');
  if (isPublic) return { publicKey: bytes };
  return { publicKey: bytesOf(createPublicKey(privateOf(bytes))), privateKey: bytes };
}

/** The public half, as a door's variable takes it. */
export const publicVaultKey = (key: VaultKey) => publicMark + key.publicKey.toString('hex');

const dataKey = (shared: Buffer, ephemeral: Buffer, publicKey: Buffer) =>
  Buffer.from(hkdfSync('sha256', shared, Buffer.concat([ephemeral, publicKey]), 'percorso vault', 32));
/** The name of the key that an address was sealed under. */
export const sealedUnder = (sealed: string) => sealed.slice(mark.length, mark.length + 8);
export const nameOfVaultKey = (key: VaultKey) => nameOf(key.publicKey);
const nameOf = (publicKey: Buffer) => createHash('sha256').update(publicKey).digest('hex').slice(0, 8);

/** So many addresses go under one data key before the next one is made. */
const sealsPerDataKey = 100_000;

/**
 * Seals addresses: under a data key of AES-256-GCM, which is agreed upon between a pair of this process's own and the
 * vault's public key, and which only the vault's private key can make again.
 */
export function createVaultSealer(key: Pick<VaultKey, 'publicKey'>): (address: string) => string {
  const recipient = publicOf(key.publicKey);
  const name = nameOf(key.publicKey);
  const known = createRecentlyUsed<string>(50_000);
  let seals = 0;
  let current: { secret: Buffer; ephemeral: Buffer } | undefined;
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    if (current === undefined || seals >= sealsPerDataKey) {
      const pair = generateKeyPairSync('x25519');
      const ephemeral = bytesOf(pair.publicKey);
      const shared = diffieHellman({ privateKey: pair.privateKey, publicKey: recipient });
      current = { ephemeral, secret: dataKey(shared, ephemeral, key.publicKey) };
      seals = 0;
    }
    seals += 1;
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', current.secret, nonce);
    const sealed = Buffer.concat([cipher.update(address, 'utf8'), cipher.final()]);
    const text = `${mark}${name}:${Buffer.concat([current.ephemeral, nonce, cipher.getAuthTag(), sealed]).toString('base64')}`;
    known.set(address, text);
    return text;
  };
}

/**
 * Opens what was sealed under any of some keys.
 * @throws PercorsoError where only the public half of a key is here, or the address was sealed under another key.
 */
export function createVaultOpener(...keys: readonly VaultKey[]): (sealed: string) => string {
  const known = new Map(
    keys.map(({ privateKey, publicKey }) => {
      if (privateKey === undefined) {
        throw new PercorsoError('the vault cannot be opened here: only the public half of its key is', {
          mend: 'run this where the whole key of the vault is (secrets.vaultKeyEnv or secrets.vaultKeyFile)',
        });
      }
      return [nameOf(publicKey), { own: privateOf(privateKey), publicKey }] as const;
    }),
  );
  const secrets = createRecentlyUsed<Buffer>(1_000);
  return (sealed) => {
    const bytes = Buffer.from(sealed.slice(mark.length + 9), 'base64');
    try {
      const key = known.get(sealedUnder(sealed));
      if (key === undefined) throw new Error(`sealed under the key ${sealedUnder(sealed)}`);
      const ephemeral = bytes.subarray(0, 32);
      const agreed = `${sealedUnder(sealed)} ${ephemeral.toString('hex')}`;
      const secret =
        secrets.get(agreed) ??
        dataKey(diffieHellman({ privateKey: key.own, publicKey: publicOf(ephemeral) }), ephemeral, key.publicKey);
      secrets.set(agreed, secret);
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(32, 44));
      decipher.setAuthTag(bytes.subarray(44, 60));
      return decipher.update(bytes.subarray(60), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new PercorsoError('an address of the vault cannot be opened: it was sealed under another key', {
        mend: "restore the vault's key with which the address was put in",
        cause,
      });
    }
  };
}
