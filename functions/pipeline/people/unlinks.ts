import { createHash } from 'node:crypto';
import * as z from 'zod';
import { UsageError } from '#core/errors';
import { createHashChain, generationOf, type IdentifierKey } from '#core/identifier-key';
import { generationOfObject, lake } from '#core/lake';
import type { Store } from '#core/ports';

/** A link that a person took out. Both are keyed hashes, in ascending order. */
export interface Unlink {
  identifier_a: string;
  identifier_b: string;
  /** When it was taken out: ISO, UTC. Builds from then on do without the link. */
  unlinked_at: string;
}

const unlinkSchema = z.object({ identifier_a: z.string(), identifier_b: z.string(), unlinked_at: z.string() });

function keyOf(
  first: string,
  second: string,
  generation: number,
): { key: string; identifier_a: string; identifier_b: string } {
  if (first === second) {
    throw new UsageError('both are the same identifier, so there is no link between them', {
      mend: 'name the two ends of a link of identity_links',
    });
  }
  const [identifier_a = '', identifier_b = ''] = [first, second].sort();
  const hash = createHash('sha256').update(`${identifier_a}\n${identifier_b}`).digest('hex').slice(0, 32);
  return { key: lake.unlink(hash, generation), identifier_a, identifier_b };
}

/**
 * Takes the link of two identifiers out, from the next build on. Twice is as once: the first stands.
 * @returns whether it was this call that took it out.
 * @throws UsageError where both are one identifier.
 */
export async function unlink(
  store: Store,
  first: string,
  second: string,
  now: Date,
  identifierKey: IdentifierKey,
): Promise<boolean> {
  const { key, identifier_a, identifier_b } = keyOf(first, second, generationOf(identifierKey));
  const record: Unlink = { identifier_a, identifier_b, unlinked_at: now.toISOString() };
  return store.putIfAbsent(key, `${JSON.stringify(record)}\n`);
}

/**
 * Lets the link of two identifiers count again, from the next build on.
 * @returns whether it had been taken out.
 * @throws UsageError where both are one identifier.
 */
export async function undoUnlink(
  store: Store,
  first: string,
  second: string,
  identifierKey: IdentifierKey,
): Promise<boolean> {
  const { key } = keyOf(first, second, generationOf(identifierKey));
  const wasThere = (await store.get(key)) !== undefined;
  await store.remove(key);
  return wasThere;
}

/** All links that people took out. */
export async function readUnlinks(store: Store): Promise<Unlink[]> {
  const unlinks: Unlink[] = [];
  for (const key of await store.list(lake.unlinks)) {
    const body = await store.get(key);
    if (body !== undefined) unlinks.push(unlinkSchema.parse(JSON.parse(new TextDecoder().decode(body))));
  }
  return unlinks;
}

/** Puts the links that were taken out under an older generation of the key into their newest form. */
export async function raiseUnlinks(store: Store, identifierKey: IdentifierKey): Promise<number> {
  const chain = createHashChain(identifierKey);
  let raised = 0;
  for (const key of await store.list(lake.unlinks)) {
    const from = generationOfObject(key);
    const body = await store.get(key);
    if (from >= chain.generation || body === undefined) continue;
    const { identifier_a, identifier_b, unlinked_at } = unlinkSchema.parse(JSON.parse(new TextDecoder().decode(body)));
    const [a, b] = [chain.raise(identifier_a, from), chain.raise(identifier_b, from)];
    await unlink(store, a, b, new Date(unlinked_at), identifierKey);
    await store.remove(key);
    raised += 1;
  }
  return raised;
}
