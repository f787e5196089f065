import { UsageError } from '#core/errors';
import { type IdentifierKind, identifierKinds } from '#core/event';
import { type Identifiers, normaliseEmail } from '#core/identifiers';

const kindOfLetter: Readonly<Record<string, IdentifierKind>> = {
  u: 'user_id',
  c: 'crm_id',
  l: 'loyalty_card',
  e: 'email',
  p: 'phone',
  a: 'anonymous_id',
};

/** The kind of a keyed hash by its letter; undefined for what is none, such as the name of an event that is its own person. */
export function kindOfHash(hash: string): IdentifierKind | undefined {
  return /^[ucelpa]:(?:[0-9a-f]{24}|[0-9a-f]{32})$/.test(hash) ? kindOfLetter[hash[0] ?? ''] : undefined;
}

/**
 * The keyed hash of an identifier as a person writes it: an e-mail address, a phone number, `kind:value` such as
 * `crm_id:123`, or a keyed hash as the published tables show it.
 * @throws UsageError where the text is none of these; the message does not repeat it.
 */
export function hashOfIdentifier(text: string, identifiers: Identifiers): string {
  const name = text.trim();
  if (kindOfHash(name) !== undefined) return name;
  const kind = identifierKinds.find((candidate) => name.startsWith(`${candidate}:`));
  const value = kind === undefined ? name : name.slice(kind.length + 1).trim();
  if (kind !== undefined && kind !== 'email' && kind !== 'phone' && value !== '') {
    // As at the door: an address given as a name is that address.
    const found = identifiers.recognise(value);
    return found === undefined ? identifiers.hash(kind, value) : identifiers.hash(found.kind, found.value);
  }
  const email = kind === 'phone' ? undefined : normaliseEmail(value);
  if (email !== undefined) return identifiers.hash('email', email);
  const phone = kind === 'email' ? undefined : identifiers.phone(value);
  if (phone !== undefined) return identifiers.hash('phone', phone);
  throw new UsageError('an identifier that is none of those that people write', {
    mend: `write an e-mail address, a phone number, KIND:VALUE with one of ${identifierKinds.join(', ')}, or a keyed hash as in identity_links`,
  });
}
