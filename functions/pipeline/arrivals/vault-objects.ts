import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as z from 'zod';
import { eachAtOnce } from '#core/each-at-once';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import type { VaultEntry } from '#core/vault';

/** In a bucket most of the time is waiting; each object is in memory as a whole. */
const objectsAtOnce = 4;

const expand = promisify(gunzip);
const squeeze = promisify(gzip);
const entryShape = z.custom<VaultEntry>((value) => z.looseObject({ key: z.string() }).safeParse(value).success);

/** One line of an object of the vault. */
export const readVaultEntry = (line: string): VaultEntry => entryShape.parse(JSON.parse(line));

async function textOf(lake: Store, object: string): Promise<string> {
  const body = await lake.get(object);
  return body === undefined ? '' : (await expand(body)).toString('utf8');
}

const entriesIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(readVaultEntry);

export const entriesOf = async (lake: Store, object: string): Promise<VaultEntry[]> =>
  entriesIn(await textOf(lake, object));

/**
 * Changes entries where they stand. An object keeps its name, and goes where nothing is left in it; so what was killed half way
 * is ended by doing it again. The caller holds the lock of the night, that nobody merges objects meanwhile.
 * @param change the same entry where it stays as it is, undefined where it goes.
 * @param telling objects without this text have nothing to change.
 * @returns how many entries went or changed.
 */
export async function changeVault(
  lake: Store,
  change: (entry: VaultEntry) => VaultEntry | undefined,
  telling = '',
): Promise<number> {
  let all = 0;
  await eachAtOnce(await lake.list(places.vault), objectsAtOnce, async (object) => {
    const text = await textOf(lake, object);
    if (!text.includes(telling)) return;
    const lines: string[] = [];
    let changed = 0;
    for (const entry of entriesIn(text)) {
      const left = change(entry);
      if (left !== entry) changed += 1;
      if (left !== undefined) lines.push(JSON.stringify(left));
    }
    if (changed === 0) return;
    if (lines.length === 0) await lake.remove(object);
    else await lake.put(object, await squeeze(`${lines.join('\n')}\n`));
    all += changed;
  });
  return all;
}
