import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import type { StoredCost } from '#core/cost';
import type { StoredEvent } from '#core/event';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';

// What the writer wrote is what these types say: the schemas of the door are tested where it is.
const events = z.custom<StoredEvent[]>(Array.isArray);
const costs = z.custom<StoredCost[]>(Array.isArray);

/** All events of a lake, as its raw objects hold them. */
export const rawEvents = async (lake: Store) => events.parse(await records(lake, places.rawEvents));
/** All costs of a lake, as its raw objects hold them. */
export const rawCosts = async (lake: Store) => costs.parse(await records(lake, places.rawCosts));

async function records(lake: Store, prefix: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const key of await lake.list(prefix)) {
    const body = await lake.get(key);
    const text = gunzipSync(body ?? new Uint8Array()).toString('utf8');
    for (const line of text.split('\n')) if (line !== '') found.push(JSON.parse(line));
  }
  return found;
}
