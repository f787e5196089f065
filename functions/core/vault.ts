/** What was said under an identifier: each field is the latest of its kind. */
export interface VaultWord {
  /** When marketing, or analytics, was last refused under it. ISO, UTC. */
  refused_at?: string;
  /** When marketing was last consented to, with the address in the same event. */
  given_at?: string;
  /** When the address last came in and nothing was said of marketing. */
  seen_at?: string;
  /** Strong identifiers that came with it: what is refused under them is refused for it. */
  with?: string[];
}

/** What one import of a file said. */
export interface ImportedWord extends VaultWord {
  import_id: string;
  /** When the import began. */
  received_at: string;
}

/**
 * What the vault knows of one identifier. Words on it come in any order, any number of times: each field is the latest
 * of its kind, so that they come to the same.
 */
export interface VaultEntry extends VaultWord {
  /** Its keyed hash. */
  key: string;
  /** The address, sealed. Of e-mail addresses and telephone numbers alone. */
  address?: string;
  /** What imports of files said, each apart, so that one can be taken back; the newest first. The fields above are of all else. */
  imports?: ImportedWord[];
}

/** More do not belong to one person; which of them are kept does not depend on their order. */
const mostCompanions = 16;

/**
 * Of so many imports it is known what each said of one identifier; what older ones said stays as if it had come in at the door.
 * A list that comes every night would let the entry grow for ever. The newest are always among the newest of fewer, so
 * which are kept does not depend on the order in which they are merged.
 */
const mostImports = 8;

const later = (a: string | undefined, b: string | undefined) => (a === undefined || (b !== undefined && b > a) ? b : a);

/** Both words in one. */
function mergeWords(a: VaultWord, b: VaultWord): VaultWord {
  const refused_at = later(a.refused_at, b.refused_at);
  const given_at = later(a.given_at, b.given_at);
  const seen_at = later(a.seen_at, b.seen_at);
  const companions = [...new Set([...(a.with ?? []), ...(b.with ?? [])])].sort().slice(0, mostCompanions);
  return {
    ...(refused_at === undefined ? {} : { refused_at }),
    ...(given_at === undefined ? {} : { given_at }),
    ...(seen_at === undefined ? {} : { seen_at }),
    ...(companions.length === 0 ? {} : { with: companions }),
  };
}

/** What each import said, in one list; the newest first. */
function mergeImports(a: readonly ImportedWord[], b: readonly ImportedWord[]): ImportedWord[] {
  const words = new Map(a.map((word) => [word.import_id, word]));
  for (const word of b) {
    const { import_id, received_at } = word;
    const known = words.get(import_id);
    const begun = known !== undefined && known.received_at > received_at ? known.received_at : received_at;
    words.set(import_id, known === undefined ? word : { import_id, received_at: begun, ...mergeWords(known, word) });
  }
  const rank = ({ received_at, import_id }: ImportedWord) => `${received_at} ${import_id}`;
  return [...words.values()].sort((one, other) => (rank(one) < rank(other) ? 1 : -1));
}

/** Both entries in one. */
export function mergeEntries(a: VaultEntry, b: VaultEntry): VaultEntry {
  // The same address under two seals: either opens to it.
  const address = a.address === undefined || (b.address !== undefined && b.address < a.address) ? b.address : a.address;
  const imports = mergeImports(a.imports ?? [], b.imports ?? []);
  const kept = imports.slice(0, mostImports);
  const { with: companions, ...said } = imports.slice(mostImports).reduce(mergeWords, mergeWords(a, b));
  return {
    key: a.key,
    ...said,
    ...(address === undefined ? {} : { address }),
    ...(companions === undefined ? {} : { with: companions }),
    ...(kept.length === 0 ? {} : { imports: kept }),
  };
}

/** All that was said under the identifier, whoever brought it. */
export function wholeWord({ imports = [], ...rest }: VaultEntry): VaultWord {
  return imports.reduce(mergeWords, mergeWords(rest, {}));
}

/** What an event of a file says, as that of its import. */
export function asOfImport({ key, address, ...word }: VaultEntry, import_id: string, received_at: string): VaultEntry {
  return {
    key,
    ...(address === undefined ? {} : { address }),
    imports: [{ import_id, received_at, ...mergeWords(word, {}) }],
  };
}

/** Every list of companions changed, whoever brought it. */
export function withCompanions(entry: VaultEntry, change: (companions: string[]) => string[]): VaultEntry {
  function changed<T extends VaultWord>({ with: companions = [], ...rest }: T) {
    const left = change(companions);
    return left.length === 0 ? rest : { ...rest, with: left };
  }
  const { imports, ...rest } = entry;
  return { ...changed(rest), ...(imports === undefined ? {} : { imports: imports.map(changed) }) };
}

/**
 * The entry as if the import had never come in. The address goes where nobody else has brought it, or only under a refusal.
 * @returns undefined where nobody else has said anything.
 */
export function withoutImport(entry: VaultEntry, importId: string): VaultEntry | undefined {
  const { imports = [], address, ...rest } = entry;
  const left = imports.filter(({ import_id }) => import_id !== importId);
  if (left.length === imports.length) return entry;
  const others = { ...rest, ...(left.length === 0 ? {} : { imports: left }) };
  const said = wholeWord(others);
  const isBrought = said.given_at !== undefined || said.seen_at !== undefined;
  if (!isBrought && said.refused_at === undefined) return undefined;
  return { ...others, ...(address !== undefined && isBrought && mayBeKept(said, undefined) ? { address } : {}) };
}

/**
 * Whether the address may be kept: nobody has refused, or a later event with the address in it says yes. Silence gives
 * nothing back. Where it may not now, no word that is known already can change that: so the address can go.
 * @param said all that was said under the identifier. @param refusedAt when the identifier's companions last refused.
 */
export function mayBeKept(said: VaultWord, refusedAt: string | undefined): boolean {
  const refused = later(said.refused_at, refusedAt);
  return refused === undefined || (said.given_at !== undefined && said.given_at > refused);
}
