import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as z from 'zod';
import type { StoredCost } from '#core/cost';
import { eachAtOnce } from '#core/each-at-once';
import { PercorsoError } from '#core/errors';
import type { StoredEvent } from '#core/event';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import { generationOfObject, importOfObject, lake as places } from '#core/lake';
import type { Clock, Store } from '#core/ports';
import { raiseErasures } from '#pipeline/arrivals/erased-keys';
import { createRaise } from '#pipeline/arrivals/raise';
import { raiseRejected } from '#pipeline/arrivals/rejected';
import { createRawWriter } from '#pipeline/arrivals/store';
import { pruneBuilds } from '#pipeline/builds/publish';
import type { Company } from '#pipeline/company/company';
import { readHashing, writeHashing } from '#pipeline/company/keys';
import { raiseUnlinks } from '#pipeline/people/unlinks';
import { raiseVault } from '#pipeline/people/vault';

/** Objects of the lake whose hashes were put into their newest form. */
export interface RaisedCounts {
  raw_objects: number;
  events: number;
  rejected_objects: number;
  vault_objects: number;
  erasures: number;
  unlinks: number;
}

export interface RotationResult extends RaisedCounts {
  /** How many secrets the key has now. */
  generation: number;
  /** An earlier change of the key was cut off, and this run ended it; no secret was added. */
  isResumed: boolean;
  /** Old builds that went: they held the old hashes. */
  builds: number;
}

export interface RotationWork {
  /** Moves what waits in the spool into the lake, raises what came in under an older key, then builds and publishes the whole. */
  build(): Promise<void>;
  say(line: string): void;
  now?: Clock;
}

/** Former versions of objects below these may hold hashes of the key before. */
const hashed = [
  places.rawEvents,
  places.rawCosts,
  places.rejected,
  places.vault,
  places.erased,
  places.unlinks,
  places.builds,
];

/** In a bucket most of the time is waiting; each object may hold 64 MB in memory, and its copy. */
const objectsAtOnce = 4;

const expand = promisify(gunzip);
const squeeze = promisify(gzip);
const eventShape = z.custom<StoredEvent>(
  (value) => z.looseObject({ keys: z.looseObject({}) }).safeParse(value).success,
);
const costShape = z.custom<StoredCost>((value) => z.looseObject({ cost_date: z.string() }).safeParse(value).success);

async function linesOf(lake: Store, object: string): Promise<string[]> {
  const body = await lake.get(object);
  if (body === undefined) return [];
  return (await expand(body))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/**
 * Changes the company's key of identifiers: adds a secret, and puts every hash that the lake holds into its newest form.
 * Each object is written anew before the old one goes, and says by its name of which generation it is; so a run that was
 * killed at any moment is ended by the next one, or by the next build of this machine. The caller holds the lock of the night,
 * and has the lake to itself.
 * @throws PercorsoError where an erasure was cut off; UsageError where the key comes from the environment and was not added to.
 */
export async function rotateIdentifierKey(company: Company, work: RotationWork): Promise<RotationResult> {
  const { lake } = company;
  if ((await lake.get(places.unfinishedErasure)) !== undefined) {
    throw new PercorsoError('an erasure was cut off and is not ended yet', {
      mend: 'run `percorso erase` again with any identifier: it ends it first; then change the key',
    });
  }
  const { done } = await readHashing(lake);
  const isResumed = generationOf(await company.identifierKey()) > done;
  if (!isResumed) await company.addIdentifierSecret();
  const key = await company.identifierKey();
  const generation = generationOf(key);
  const now = work.now ?? (() => new Date());
  const changed_at = now().toISOString();
  work.say(
    isResumed ? `goes on to generation ${generation} of the key` : `generation ${generation} of the key is made`,
  );
  const counts = await raiseLake(company, key, { ...work, changed_at });
  await outlive(company, { now, say: work.say });
  await work.build();
  const builds = new Set((await pruneBuilds(lake, 1)).map((object) => object.split('/')[2])).size;
  for (const name of await readdir(company.paths.work).catch(() => [])) {
    await rm(join(company.paths.work, name), { recursive: true, force: true });
  }
  await company.forgetFormerVersions?.(hashed);
  await writeHashing(lake, { ...(await readHashing(lake)), generation, done: generation });
  return { ...counts, generation, isResumed, builds };
}

/**
 * Waits until nobody writes into the lake any more under the key before, so that what the build raises is the last of it: the
 * builds of a deployment's schedule have no key, and could raise nothing later.
 */
async function outlive(
  { lake, formerKeyMs = 0 }: Company,
  { now, say }: { now: Clock; say(line: string): void },
): Promise<void> {
  if (formerKeyMs === 0) return;
  const until = Date.parse((await readHashing(lake)).changed_at) + formerKeyMs;
  if (now().getTime() < until) {
    say(
      `waits until ${new Date(until).toISOString()}: till then a door may still write under the key that it has read`,
    );
  }
  for (let left = until - now().getTime(); left > 0; left = until - now().getTime())
    await setTimeout(Math.min(left, 1000));
}

/**
 * Puts what older generations of the key have left in the lake into the newest form: all of it when the key was changed,
 * and later what a process wrote that began before.
 */
export async function raiseLake(
  company: Pick<Company, 'lake'>,
  key: IdentifierKey,
  work: { say?(line: string): void; changed_at: string },
): Promise<RaisedCounts> {
  const { lake } = company;
  const generation = generationOf(key);
  const counts: RaisedCounts = {
    raw_objects: 0,
    events: 0,
    rejected_objects: 0,
    vault_objects: 0,
    erasures: 0,
    unlinks: 0,
  };
  if (generation === 1) return counts;
  const hashing = await readHashing(lake);
  // From now on nothing opens the lake with an older key.
  if (hashing.generation < generation)
    await writeHashing(lake, { ...hashing, generation, changed_at: work.changed_at });
  // First of all: a process that began before knows nobody who was erased by the new marks, so what it wrote is judged again.
  counts.erasures = await raiseErasures(lake, key);
  counts.unlinks = await raiseUnlinks(lake, key);
  counts.vault_objects = await raiseVault(lake, key);
  counts.rejected_objects = await raiseRejected(lake, key);
  if (hashing.done < generation) await raiseCosts(lake, key, hashing.done);
  const raise = createRaise(key);
  const older = (await lake.list(places.rawEvents)).filter((object) => generationOfObject(object) < generation);
  await eachAtOnce(older, objectsAtOnce, async (object) => {
    const from = generationOfObject(object);
    const unlimited = { recordsPerObject: Number.POSITIVE_INFINITY, bytesPerObject: Number.POSITIVE_INFINITY };
    const writer = createRawWriter(lake, { identifierKey: key, importId: importOfObject(object), ...unlimited });
    for (const line of await linesOf(lake, object)) {
      await writer.event(raise.event(eventShape.parse(JSON.parse(line)), from));
      counts.events += 1;
    }
    await writer.flush();
    await lake.remove(object);
    counts.raw_objects += 1;
    if (counts.raw_objects % 100 === 0) work.say?.(`${counts.raw_objects} of ${older.length} raw objects rewritten`);
  });
  return counts;
}

/**
 * Costs hold a hash only where somebody named a campaign after an address. They are changed in place, since two objects of
 * one report would add up; a hash tells by itself of which generation it is.
 */
async function raiseCosts(lake: Store, key: IdentifierKey, from: number): Promise<void> {
  const raise = createRaise(key);
  for (const object of await lake.list(places.rawCosts)) {
    const lines = await linesOf(lake, object);
    const raised = lines.map((line) => JSON.stringify(raise.cost(costShape.parse(JSON.parse(line)), from)));
    if (raised.some((line, index) => line !== lines[index])) {
      await lake.put(object, await squeeze(`${raised.join('\n')}\n`, { level: 3 }));
    }
  }
}
