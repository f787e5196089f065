import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { PercorsoError } from '#core/errors';

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

/** @param random makes the nonce of a seal; only tests give another one. */
export function createSealing(identifierKey: Buffer, random: (bytes: number) => Buffer = randomBytes): Sealing {
  const key = Buffer.from(hkdfSync('sha256', identifierKey, '', 'percorso rejected originals', 32));
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
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
        decipher.setAuthTag(bytes.subarray(12, 28));
        return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
      } catch (cause) {
        throw new PercorsoError('a refused original cannot be opened: it was sealed with another identifier key', {
          mend: 'restore the identifier key with which this company took the record in',
          cause,
        });
      }
    },
    fingerprint: (text) => createHmac('sha256', key).update(text).digest('hex').slice(0, 32),
  };
}
