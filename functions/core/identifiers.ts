import { createHmac } from 'node:crypto';
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import type { IdentifierKind } from '#core/event';
import { createHashChain, type IdentifierKey, secretsOf } from '#core/identifier-key';
import { createRecentlyUsed } from '#core/recently-used';

const letters: Record<IdentifierKind, string> = {
  user_id: 'u',
  crm_id: 'c',
  loyalty_card: 'l',
  email: 'e',
  phone: 'p',
  anonymous_id: 'a',
};

/** Hashes and recognises what names a person. One per company: the secret and the default country are the company's. */
export interface Identifiers {
  /** The keyed hash of an identifier that is already in its normal form: `e:` and 24 hex digits for an e-mail address (32 once the key was changed), ... */
  hash(kind: IdentifierKind, normalised: string): string;
  /** `+39...` of a phone number as people write it, or undefined where the text is none. */
  phone(text: string): string | undefined;
  /** An e-mail address or international phone number that stands where a plain name should (a user_id, a card number). */
  recognise(text: string): { kind: 'email' | 'phone'; value: string } | undefined;
  /** The text with each e-mail address and international phone number replaced by its keyed hash, also URL-encoded ones. */
  scrubText(text: string): string;
  /**
   * Any JSON value, scrubbed: addresses and numbers replaced by keyed hashes wherever they stand (names of fields
   * included), phone numbers also by the name of their field, IP addresses left out, text made well-formed.
   */
  scrubValue(value: unknown): unknown;
}

const emailForm = /^[^\s@<>"(),;:]{1,128}@[^\s@<>"(),;:]{1,255}$/;

/** The normal form of an e-mail address (lower case, no blanks around it), or undefined where the text is none. */
export function normaliseEmail(text: string): string | undefined {
  const email = text
    .trim()
    .replace(/^mailto:/i, '')
    .normalize('NFC')
    .toLowerCase();
  return emailForm.test(email) ? email : undefined;
}

// Lengths are bounded so that a hostile text costs time in proportion to its length, never to its square.
const emailInText =
  /(?:[\p{L}\p{N}._+'-]|%2B){1,64}(?:@|%40|%2540)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/giu;
const phoneInText = /(?:\+|%2B)(?:\d(?:[\s().-]|%20){0,2}){7,15}/gi;
const phoneParameter =
  /([?&](?:phone|phone_?number|tel|telephone|telefono|mobile|cell|cellulare|msisdn|whatsapp)=)([^&#]+)/gi;

const phoneFields = new Set(['tel', 'mobile', 'cell', 'cellulare', 'msisdn', 'whatsapp', 'telefono', 'fax']);
const phoneFieldEnd = /(?:phone|phonenumber|telephone|telefono|cellulare|mobilenumber)$/;
const ipFields = new Set(['ip', 'ipaddress', 'clientip', 'remoteip', 'userip', 'remoteaddr', 'xforwardedfor']);
// The u flag makes a surrogate match only where it stands alone: such text is no Unicode and SQL engines refuse it.
const unreadable = /[\ud800-\udfff\0]/u;
const unreadableAll = /[\ud800-\udfff\0]/gu;

/** Text that every engine can read: halves of characters and NULs become U+FFFD. */
export function wellFormed(text: string): string {
  return unreadable.test(text) ? text.replace(unreadableAll, '\ufffd') : text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/**
 * @param key the company's secret, of at least 16 bytes, or all its secrets.
 * @param country ISO code of the country of phone numbers written without one.
 */
export function createIdentifiers(key: IdentifierKey, country: string): Identifiers {
  const [first = Buffer.alloc(0)] = secretsOf(key);
  const chain = createHashChain(key);
  const hashes = createRecentlyUsed<string>(100_000);
  const phones = createRecentlyUsed<{ number: string | undefined; valid: boolean }>(20_000);
  const fieldKinds = createRecentlyUsed<'phone' | 'ip' | 'other'>(5_000);
  const defaultCountry: CountryCode | undefined = isSupportedCountry(country) ? country : undefined;

  function hash(kind: IdentifierKind, normalised: string): string {
    const name = `${letters[kind]}:${normalised}`;
    const known = hashes.get(name);
    if (known !== undefined) return known;
    const digits = createHmac('sha256', first).update(name).digest('hex').slice(0, 24);
    const made = chain.raise(`${letters[kind]}:${digits}`, 1);
    hashes.set(name, made);
    return made;
  }

  function parsedPhone(text: string): { number: string | undefined; valid: boolean } {
    const known = phones.get(text);
    if (known !== undefined) return known;
    const international = text.trim().replace(/^00(?=[1-9])/, '+');
    const parsed =
      text.length > 60 ? undefined : parsePhoneNumberFromString(international, defaultCountry && { defaultCountry });
    const made = { number: parsed?.isPossible() ? parsed.number : undefined, valid: parsed?.isValid() ?? false };
    phones.set(text, made);
    return made;
  }

  function phone(text: string): string | undefined {
    return parsedPhone(text).number;
  }

  function hashedPhone(text: string): string {
    return hash('phone', phone(text) ?? text.replace(/\D/g, ''));
  }

  function recognise(text: string): { kind: 'email' | 'phone'; value: string } | undefined {
    if (text.includes('@')) {
      const email = normaliseEmail(text);
      if (email?.includes('.', email.indexOf('@'))) return { kind: 'email', value: email };
    }
    // Digits alone may be any number; only the international form is surely a phone's.
    if (/^(?:\+|00)\s?[1-9][\d\s().-]{5,20}$/.test(text)) {
      const { number, valid } = parsedPhone(text);
      if (valid && number !== undefined) return { kind: 'phone', value: number };
    }
    return undefined;
  }

  function scrubText(given: string): string {
    let text = wellFormed(given);
    if (text.includes('@') || text.includes('%40') || text.includes('%2540')) {
      text = text.replace(emailInText, (found) => {
        const email = normaliseEmail(found.replace(/%2540|%40/g, '@').replace(/%2B/gi, '+'));
        return email === undefined ? found : hash('email', email);
      });
    }
    if (text.includes('+') || text.includes('%2B') || text.includes('%2b')) {
      text = text.replace(phoneInText, (found) => {
        const { number, valid } = parsedPhone(found.replace(/%2B/gi, '+').replace(/%20/g, ' '));
        return valid && number !== undefined ? hash('phone', number) : found;
      });
    }
    if (text.includes('=')) {
      text = text.replace(phoneParameter, (whole, name: string, value: string) => {
        const digits = decoded(value).trim();
        return digits.replace(/\D/g, '').length < 6 || /[a-z]:/i.test(digits) ? whole : name + hashedPhone(digits);
      });
    }
    return text;
  }

  function fieldKind(name: string): 'phone' | 'ip' | 'other' {
    const known = fieldKinds.get(name);
    if (known !== undefined) return known;
    const plain = name.replace(/[-_\s.]/g, '').toLowerCase();
    const kind =
      phoneFields.has(plain) || phoneFieldEnd.test(plain) ? 'phone' : ipFields.has(plain) ? 'ip' : ('other' as const);
    fieldKinds.set(name, kind);
    return kind;
  }

  function scrubbed(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return scrubText(value);
    if (value === null || typeof value !== 'object') return value;
    // Deeper than any real event; what lies below could overflow the stack.
    if (depth > 40) return null;
    if (Array.isArray(value)) return value.map((item) => scrubbed(item, depth + 1));
    const entries: [string, unknown][] = [];
    for (const [name, item] of Object.entries(value)) {
      const kind = fieldKind(name);
      if (kind === 'ip') continue;
      if (kind === 'phone' && (typeof item === 'string' || typeof item === 'number')) {
        const text = String(item);
        const digits = text.replace(/\D/g, '').length;
        entries.push([name, digits >= 6 && digits <= 20 ? hashedPhone(text) : scrubText(text)]);
      } else {
        entries.push([scrubText(name), scrubbed(item, depth + 1)]);
      }
    }
    return Object.fromEntries(entries);
  }

  return { hash, phone, recognise, scrubText, scrubValue: (value) => scrubbed(value, 0) };
}
