import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { PercorsoError } from '#core/errors';
import { derived, type IdentifierKey, secretsOf } from '#core/identifier-key';

const mark = 'sealed1:';

/** Keeps originals of refused records unreadable at rest: AES-256-GCM, with a key derived from the company's secret. */
export interface Sealing {
  /** The sealed form of a text; a sealed text stays as it is. */
  seal(text: string): string;
  /** The text again. A text that was never sealed stays as it is. */
  open(sealed: string): string;
  /** A name for a text by which equal texts can be told, but from which it cannot be guessed. */
  fingerprint(text: string): string;
}

const purpose = 'percorso rejected originals';

/**
 * Seals with the newest secret of the key, and opens what any of them sealed.
 * @param random makes the nonce of a seal; only tests give another one.
 */
export function createSealing(identifierKey: IdentifierKey, random: (bytes: number) => Buffer = randomBytes): Sealing {
  const keys = secretsOf(identifierKey)
    .map((secret) => derived(secret, purpose))
    .reverse();
  const [key = Buffer.alloc(0)] = keys;

  function opened(bytes: Buffer, secret: Buffer): string {
    const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
  }

  return {
    seal(text) {
      if (text.startsWith(mark)) return text;
      const nonce = random(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return mark + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(sealed) {
      if (!sealed.startsWith(mark)) return sealed;
      const bytes = Buffer.from(sealed.slice(mark.length), 'base64');
      let cause: unknown;
      for (const secret of keys) {
        try {
          return opened(bytes, secret);
        } catch (error) {
          cause = error;
        }
      }
      throw new PercorsoError('a refused original cannot be opened: it was sealed with another identifier key', {
        mend: 'restore the identifier key with which this company took the record in',
        cause,
      });
    },
    fingerprint: (text) => createHmac('sha256', key).update(text).digest('hex').slice(0, 32),
  };
}
