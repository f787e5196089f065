import { isTelling, wordPattern } from '#core/erasing';
import { type Identifiers, normaliseEmail } from '#core/identifiers';

/** Tells whether a text holds an identifier of the persons who are being erased, in whatever form it stands there. */
export interface PersonFinder {
  /** Keyed hashes, and plain identifiers as words, also URL-encoded, in any case. */
  says(text: string): boolean;
  /** The same, and e-mail addresses and telephone numbers however they are written. For text that no door has seen. */
  holds(text: string): boolean;
  /** The text without what `says` finds. */
  cleaned(text: string): string;
  /** What `says` looks for, for an engine that reads lower-case text by RE2. */
  sql: string;
  /** The same wherever it stands, also within a word: what `sql` finds, and more. */
  sqlAnywhere: string;
}

const numberInText = /(?:\+|\b00)?\(?\d[\d ()./-]{5,20}\d/g;
const digitsInText = /\d{7,15}/g;
const emailInText = /[\p{L}\p{N}._+'-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/giu;

function decodedForms(text: string): string[] {
  const forms = [text];
  if (text.includes('%')) {
    // Piece by piece: one broken escape must not hide the others.
    forms.push(text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => safelyDecoded(escapes)));
    const twice = forms.at(-1) ?? '';
    if (twice.includes('%')) forms.push(twice.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => safelyDecoded(escapes)));
  }
  if (text.includes('\\u')) {
    forms.push(text.replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))));
  }
  return forms;
}

function safelyDecoded(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return escapes;
  }
}

const forRe2 = (text: string) => text.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * @param keys keyed hashes such as `e:0123...`.
 * @param plain identifiers in plain text, as far as they are known; those too short to mean a person by themselves are
 *   looked for only where they are named as identifiers, by their hash.
 */
export function createPersonFinder(
  identifiers: Identifiers,
  keys: readonly string[],
  plain: readonly string[],
): PersonFinder {
  const hashes = new Set(keys);
  const digits = keys.map((key) => key.slice(2).toLowerCase());
  const telling = [...new Set(plain.filter(isTelling))];
  const words = wordPattern(telling);
  const everyWord = words === undefined ? undefined : new RegExp(words.source, 'giu');
  const forms = telling.flatMap((word) => [word, encodeURIComponent(word)].map(forRe2));
  const hash = digits.length === 0 ? undefined : new RegExp(digits.join('|'), 'i');
  const everyHash =
    digits.length === 0 ? undefined : new RegExp(`(?:[uclepa](?::|%3A|%253A))?(?:${digits.join('|')})`, 'gi');
  const hasEmail = keys.some((key) => key.startsWith('e:'));
  const hasPhone = keys.some((key) => key.startsWith('p:'));
  const says = (text: string) => (hash?.test(text) ?? false) || (words?.test(text) ?? false);

  /** In the name of a file more labels follow the address: each beginning of it is tried. */
  function holdsEmail(text: string): boolean {
    for (const [found] of text.matchAll(emailInText)) {
      for (let email = found; email.includes('.', email.indexOf('@')); email = email.slice(0, email.lastIndexOf('.'))) {
        const normal = normaliseEmail(email);
        if (normal !== undefined && hashes.has(identifiers.hash('email', normal))) return true;
      }
    }
    return false;
  }

  function holdsPhone(text: string): boolean {
    for (const pattern of [numberInText, digitsInText]) {
      for (const [found] of text.matchAll(pattern)) {
        if (found.replace(/\D/g, '').length < 7) continue;
        const number = identifiers.phone(found);
        if (number !== undefined && hashes.has(identifiers.hash('phone', number))) return true;
      }
    }
    return false;
  }

  return {
    says,
    holds: (text) =>
      decodedForms(text).some((form) => says(form) || (hasEmail && holdsEmail(form)) || (hasPhone && holdsPhone(form))),
    cleaned(text) {
      const without = everyHash === undefined ? text : text.replace(everyHash, 'erased');
      return everyWord === undefined ? without : without.replace(everyWord, 'erased');
    },
    sql: [...digits, ...forms.map((form) => `(?:^|[^\\p{L}\\p{N}])${form}(?:[^\\p{L}\\p{N}]|$)`)].join('|'),
    sqlAnywhere: [...digits, ...forms].join('|'),
  };
}
