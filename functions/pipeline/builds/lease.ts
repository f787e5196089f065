import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import { lake } from '#core/lake';
import type { Clock, Store } from '#core/ports';

const leaseSchema = z.object({ holder: z.string(), build_id: z.string(), until: z.string() });

/** The right to build, for a time: one holder at a time, whichever machines ask. */
export interface Lease {
  holder: string;
  build_id: string;
  /** The instant after which the holder counts as dead. */
  until: string;
}

/** Leases are numbered, and the highest number counts: of two who see it free, one alone makes the next. */
const keyOf = (number: number) => `${lake.leases}${String(number).padStart(9, '0')}.json`;

async function newest(store: Store): Promise<{ number: number; lease: Lease } | undefined> {
  const key = (await store.list(lake.leases)).at(-1);
  if (key === undefined) return undefined;
  const text = await store.get(key);
  // Whoever made the next one has just tidied up: it stands higher in the list by now.
  if (text === undefined) return newest(store);
  const number = Number(key.slice(lake.leases.length).replace('.json', ''));
  return { number, lease: leaseSchema.parse(JSON.parse(new TextDecoder().decode(text))) };
}

/**
 * Takes the lease, or finds it held. Asking again, its holder gets the same one.
 * @returns `taken`, with the build that died under an expired lease where one did; or who holds it.
 */
export async function takeLease(
  store: Store,
  wanted: { holder: string; buildId: string; seconds: number },
  now: Clock,
): Promise<{ taken: Lease; died?: Lease } | { held: Lease }> {
  for (;;) {
    const last = await newest(store);
    const isOver = last === undefined || last.lease.until <= now().toISOString();
    if (last !== undefined && last.lease.holder === wanted.holder && !isOver) return { taken: last.lease };
    if (last !== undefined && !isOver) return { held: last.lease };
    const taken: Lease = {
      holder: wanted.holder,
      build_id: wanted.buildId,
      until: new Date(now().getTime() + wanted.seconds * 1000).toISOString(),
    };
    const number = (last?.number ?? 0) + 1;
    if (!(await store.putIfAbsent(keyOf(number), JSON.stringify(taken)))) continue;
    for (const key of await store.list(lake.leases)) if (key < keyOf(number)) await store.remove(key);
    return last === undefined || last.lease.holder === released ? { taken } : { taken, died: last.lease };
  }
}

const released = '';

/** The newest lease, over or not. */
export async function readLease(store: Store): Promise<Lease | undefined> {
  return (await newest(store))?.lease;
}

/**
 * Gives the lease back. Another's is left alone.
 * @param died a build that died before it was taken, whose remains the next holder shall still find.
 */
export async function releaseLease(store: Store, holder: string, now: Clock, died?: Lease): Promise<void> {
  const last = await newest(store);
  if (last === undefined || last.lease.holder !== holder) return;
  const given: Lease = died ?? { ...last.lease, holder: released, until: now().toISOString() };
  await store.put(keyOf(last.number), JSON.stringify(given));
}

/** Makes the holder's lease last longer. One that is over, or another's, is left alone. */
export async function renewLease(store: Store, holder: string, seconds: number, now: Clock): Promise<void> {
  const last = await newest(store);
  if (last === undefined || last.lease.holder !== holder || last.lease.until <= now().toISOString()) return;
  const until = new Date(now().getTime() + seconds * 1000).toISOString();
  await store.put(keyOf(last.number), JSON.stringify({ ...last.lease, until } satisfies Lease));
}

/** A lease that is renewed while its holder lives: so long others wait once it has died. */
const renewed = { seconds: 900, everyMs: 300_000 };
export const renewedSeconds = renewed.seconds;

/**
 * Renews the holder's lease, so that it lasts as long as this process works. One that could not be renewed is missed where
 * something is published under it.
 * @returns what ends it.
 */
export function keepLease(store: Store, holder: string, now: Clock): () => void {
  const timer = setInterval(() => {
    renewLease(store, holder, renewed.seconds, now).catch(() => undefined);
  }, renewed.everyMs);
  return () => clearInterval(timer);
}

export function isHeld({ build_id, until }: Pick<Lease, 'build_id' | 'until'>): PercorsoError {
  return new PercorsoError(`the build ${build_id} is under way, or was stopped; its lease lasts until ${until}`, {
    mend: 'run the command again once it has ended; docs/aws.md (A failed night) and docs/trino.md (A build) tell of the lease of one that was stopped',
  });
}

/**
 * Does work that takes an unknown time while nobody else builds.
 * @throws PercorsoError where somebody holds the lease.
 */
export async function whileLeased<Result>(
  store: Store,
  { holder, buildId }: { holder: string; buildId: string },
  now: Clock,
  work: () => Promise<Result>,
): Promise<Result> {
  const lease = await takeLease(store, { holder, buildId, seconds: renewed.seconds }, now);
  if ('held' in lease) throw isHeld(lease.held);
  const stop = keepLease(store, holder, now);
  try {
    return await work();
  } finally {
    stop();
    await releaseLease(store, holder, now, lease.died);
  }
}

/** Whether somebody still holds it: who does not may not publish. */
export async function holdsLease(store: Store, holder: string, now: Clock): Promise<boolean> {
  const last = await newest(store);
  return last !== undefined && last.lease.holder === holder && last.lease.until > now().toISOString();
}
