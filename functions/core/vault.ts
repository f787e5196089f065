/**
 * What the vault knows of one identifier. Words on it come in any order, any number of times: each field is the latest
 * of its kind, so that they come to the same.
 */
export interface VaultEntry {
  /** Its keyed hash. */
  key: string;
  /** When marketing, or analytics, was last refused under it. ISO, UTC. */
  refused_at?: string;
  /** When marketing was last consented to, with the address in the same event. */
  given_at?: string;
  /** When the address last came in and nothing was said of marketing. */
  seen_at?: string;
  /** The address, sealed. Of e-mail addresses and telephone numbers alone. */
  address?: string;
  /** Strong identifiers that came with it: what is refused under them is refused for it. */
  with?: string[];
}

/** More do not belong to one person; which of them are kept does not depend on their order. */
const mostCompanions = 16;

const later = (a: string | undefined, b: string | undefined) => (a === undefined || (b !== undefined && b > a) ? b : a);

/** Both words in one. */
export function mergeEntries(a: VaultEntry, b: VaultEntry): VaultEntry {
  const refused_at = later(a.refused_at, b.refused_at);
  const given_at = later(a.given_at, b.given_at);
  const seen_at = later(a.seen_at, b.seen_at);
  // The same address under two seals: either opens to it.
  const address = a.address === undefined || (b.address !== undefined && b.address < a.address) ? b.address : a.address;
  const companions = [...new Set([...(a.with ?? []), ...(b.with ?? [])])].sort().slice(0, mostCompanions);
  return {
    key: a.key,
    ...(refused_at === undefined ? {} : { refused_at }),
    ...(given_at === undefined ? {} : { given_at }),
    ...(seen_at === undefined ? {} : { seen_at }),
    ...(address === undefined ? {} : { address }),
    ...(companions.length === 0 ? {} : { with: companions }),
  };
}

/**
 * Whether the address may be kept: nobody has refused, or a later event with the address in it says yes. Silence gives
 * nothing back. Where it may not now, no word that is known already can change that: so the address can go.
 * @param refusedAt when the identifier's companions last refused.
 */
export function mayBeKept(entry: VaultEntry, refusedAt: string | undefined): boolean {
  const refused = later(entry.refused_at, refusedAt);
  return refused === undefined || (entry.given_at !== undefined && entry.given_at > refused);
}
