import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import type { StoredCost } from '#core/cost';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';

/** What one import says of one source, account and day; it replaces whatever an earlier import said of them. */
interface CostSet {
  source: string;
  account: string;
  day: string;
  currency: string;
  spend: number;
}

const storedLine = z.object({
  cost_date: z.string(),
  source: z.string(),
  account: z.string(),
  spend: z.string(),
  currency: z.string(),
  received_at: z.string(),
  import_id: z.string(),
});

const keyOf = (source: string, account: string, day: string) => JSON.stringify([source, account, day]);

export interface CostSets {
  add(cost: StoredCost): void;
  /** The sets that are worth less than half of what stood before, told in a line each. */
  shrunken(lake: Store): Promise<string[]>;
}

/** Gathers the sums of an import's cost sets. Money is added in floats here: it is compared by halves, never kept. */
export function createCostSets(importId: string): CostSets {
  const sets = new Map<string, CostSet>();
  const sources = new Set<string>();
  return {
    add(cost) {
      const { source, account, cost_date: day, currency } = cost;
      const key = keyOf(source, account, day);
      const known = sets.get(key);
      sources.add(source);
      if (known === undefined) sets.set(key, { source, account, day, currency, spend: Number(cost.spend) });
      else known.spend += Number(cost.spend);
    },
    async shrunken(lake) {
      const before = new Map<string, { receivedAt: string; importId: string; currency: string; spend: number }>();
      for (const source of sources) {
        const folder = source.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 100) || '_';
        for (const object of await lake.list(`${places.rawCosts}${folder}/`)) {
          const body = await lake.get(object);
          if (body === undefined) continue;
          for (const line of gunzipSync(body).toString('utf8').split('\n')) {
            if (line === '') continue;
            const cost = storedLine.parse(JSON.parse(line));
            const key = keyOf(cost.source, cost.account, cost.cost_date);
            if (cost.import_id === importId || !sets.has(key)) continue;
            const known = before.get(key);
            if (known !== undefined && known.importId === cost.import_id) known.spend += Number(cost.spend);
            else if (known === undefined || cost.received_at > known.receivedAt) {
              const { received_at: receivedAt, currency } = cost;
              before.set(key, { receivedAt, importId: cost.import_id, currency, spend: Number(cost.spend) });
            }
          }
        }
      }
      const told: string[] = [];
      for (const [key, set] of sets) {
        const old = before.get(key);
        if (old === undefined || old.currency !== set.currency || set.spend >= old.spend / 2) continue;
        const account = set.account === '' ? '' : `, account ${set.account}`;
        told.push(
          `the spend of ${set.source}${account} on ${set.day} was ${old.spend.toFixed(2)} and is now ${set.spend.toFixed(2)} ${set.currency}`,
        );
      }
      return told.sort();
    },
  };
}
