import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';

/** The secrets of a company's keyed hashes: one, and one more for each time that the key was changed, oldest first. */
export type IdentifierKey = Buffer | readonly Buffer[];

/** The secrets of a key, oldest first. */
export function secretsOf(key: IdentifierKey): readonly Buffer[] {
  return Buffer.isBuffer(key) ? [key] : key;
}

/** How many secrets a key has: hashes, objects and messages made with it are of this generation. */
export const generationOf = (key: IdentifierKey) => secretsOf(key).length;

/** A secret of its own for one purpose. */
export const derived = (secret: Buffer, purpose: string, bytes = 32) =>
  Buffer.from(hkdfSync('sha256', secret, '', purpose, bytes));

/**
 * How hashes of one generation become those of another. A change of the key cannot ask for the addresses again, so it
 * works on what there is: the first secret makes a hash of an identifier (HMAC, 24 hex digits), each further one
 * enciphers what the one before made (AES-256 on one block, 32 hex digits). So nobody is lost; who lacks the newest
 * secret can neither make nor undo a hash, and who has all can still tell what an old hash has become, and the reverse.
 */
export interface HashChain {
  generation: number;
  /** The newest form of a hash such as `e:` and hex digits, of the generation `from`. What is no hash of it stays. */
  raise(hash: string, from: number): string;
  /** The first form of a hash of the newest generation; of what is none, itself. */
  lower(hash: string): string;
  /** The newest form of every hash in a text, also URL-encoded ones. */
  raiseText(text: string, from: number): string;
  /** The text with the first form of every hash in it. */
  lowerText(text: string): string;
  /** The id of an event that has none of its own, made of what it holds: the same in every generation but for the secrets. */
  contentId(content: string): string;
  /** The newest form of such an id, of the generation `from`. */
  raiseContentId(id: string, from: number): string;
}

const blockDigits = 32;
/** Letters before are part of another word, as in `file:`; an escape of JSON within text is none. */
const hashInText = (digits: number) =>
  new RegExp(`(?:(?<![\\p{L}])|(?<=\\\\[nrtbf]))([uclepa])(:|%3A|%253A)([0-9a-f]{${digits}})(?![0-9a-f])`, 'giu');
const inText = { first: hashInText(24), later: hashInText(blockDigits) };

export function createHashChain(key: IdentifierKey): HashChain {
  const secrets = secretsOf(key);
  const generation = secrets.length;
  const steps = secrets.slice(1).map((secret) => {
    const cipherKey = derived(secret, 'percorso rotated identifiers');
    // ECB of single blocks is the bare permutation, which is what is wanted: equal identifiers have equal hashes.
    return {
      encipher: createCipheriv('aes-256-ecb', cipherKey, null).setAutoPadding(false),
      decipher: createDecipheriv('aes-256-ecb', cipherKey, null).setAutoPadding(false),
      ids: derived(secret, 'percorso rotated event ids'),
    };
  });

  /** The first hash in a block, beside its kind, by which a block that is none of ours can be told. */
  function blockOf(letter: string, digits: string): Buffer {
    const block = Buffer.alloc(16);
    block.write(digits, 'hex');
    block.write(letter, 12, 'latin1');
    return block;
  }

  function firstOf(letter: string, digits: string, from: number): string | undefined {
    if (from === 1) return digits;
    let block = Buffer.from(digits, 'hex');
    for (let step = from - 2; step >= 0; step--) block = steps[step]?.decipher.update(block) ?? block;
    const isOurs = block.length === 16 && block.subarray(12).equals(Buffer.from([letter.charCodeAt(0), 0, 0, 0]));
    return isOurs ? block.toString('hex', 0, 12) : undefined;
  }

  function newestOf(letter: string, digits: string): string {
    if (generation === 1) return digits;
    let block = blockOf(letter, digits);
    for (const { encipher } of steps) block = encipher.update(block);
    return block.toString('hex');
  }

  function raisedDigits(letter: string, digits: string, from: number): string {
    if (digits.length !== (from === 1 ? 24 : blockDigits)) return digits;
    const first = firstOf(letter.toLowerCase(), digits.toLowerCase(), from);
    return first === undefined ? digits : newestOf(letter.toLowerCase(), first);
  }

  const isHash = (hash: string) => /^[uclepa]:[0-9a-f]+$/.test(hash);

  function lowerText(text: string): string {
    if (generation === 1) return text;
    return text.replace(inText.later, (found, letter: string, colon: string, digits: string) => {
      const first = firstOf(letter.toLowerCase(), digits.toLowerCase(), generation);
      return first === undefined ? found : letter + colon + first;
    });
  }

  function raiseContentId(id: string, from: number): string {
    const hmac = (text: string, secret: Buffer) => createHmac('sha256', secret).update(text).digest('hex').slice(0, 32);
    return steps.slice(from - 1).reduce((raised, { ids }) => hmac(raised, ids), id);
  }

  return {
    generation,
    raise(hash, from) {
      return from >= generation || !isHash(hash)
        ? hash
        : `${hash.slice(0, 2)}${raisedDigits(hash.slice(0, 1), hash.slice(2), from)}`;
    },
    lower(hash) {
      if (generation === 1 || !isHash(hash) || hash.length !== blockDigits + 2) return hash;
      const first = firstOf(hash.slice(0, 1), hash.slice(2), generation);
      return first === undefined ? hash : hash.slice(0, 2) + first;
    },
    raiseText(text, from) {
      if (from >= generation) return text;
      return text.replace(
        from === 1 ? inText.first : inText.later,
        (_, letter: string, colon: string, digits: string) => letter + colon + raisedDigits(letter, digits, from),
      );
    },
    lowerText,
    contentId: (content) =>
      raiseContentId(createHash('sha256').update(lowerText(content)).digest('hex').slice(0, 32), 1),
    raiseContentId,
  };
}
