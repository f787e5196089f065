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
  campaigns: Set<string>;
}

const storedLine = z.object({
  cost_date: z.string(),
  source: z.string(),
  account: z.string(),
  campaign_id: z.string(),
  campaign: z.string(),
  spend: z.string(),
  currency: z.string(),
  received_at: z.string(),
  import_id: z.string(),
});

const campaignOf = (cost: { campaign_id: string; campaign: string }) => cost.campaign_id || cost.campaign;
const shownDays = 5;

const keyOf = (source: string, account: string, day: string) => JSON.stringify([source, account, day]);

export interface CostSets {
  add(cost: StoredCost): void;
  /**
   * What a person should know of the sets that these replace, in words: which are worth less than half of what stood, and
   * whether they are of other campaigns altogether, as those of another account would be.
   */
  surprises(lake: Store): Promise<string[]>;
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
      const set = known ?? { source, account, day, currency, spend: 0, campaigns: new Set<string>() };
      if (known === undefined) sets.set(key, set);
      set.spend += Number(cost.spend);
      set.campaigns.add(campaignOf(cost));
    },
    async surprises(lake) {
      const before = new Map<string, Omit<CostSet, 'account' | 'day'> & { receivedAt: string; importId: string }>();
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
            const isSame = known !== undefined && known.importId === cost.import_id;
            if (known !== undefined && !isSame && cost.received_at <= known.receivedAt) continue;
            const { received_at: receivedAt, import_id, currency } = cost;
            const set = isSame
              ? known
              : { source, receivedAt, importId: import_id, currency, spend: 0, campaigns: new Set<string>() };
            set.spend += Number(cost.spend);
            set.campaigns.add(campaignOf(cost));
            before.set(key, set);
          }
        }
      }
      const shrunken: string[] = [];
      const others = new Map<string, number>();
      for (const [key, set] of sets) {
        const old = before.get(key);
        if (old === undefined) continue;
        if ([...old.campaigns].every((campaign) => !set.campaigns.has(campaign))) {
          others.set(set.source, (others.get(set.source) ?? 0) + 1);
        }
        if (old.currency !== set.currency || set.spend >= old.spend / 2) continue;
        const account = set.account === '' ? '' : `, account ${set.account}`;
        shrunken.push(
          `the spend of ${set.source}${account} on ${set.day} was ${old.spend.toFixed(2)} and is now ${set.spend.toFixed(2)} ${set.currency}, less than half; check that the report is whole`,
        );
      }
      shrunken.sort();
      const more = shrunken.length - shownDays;
      return [
        ...shrunken.slice(0, shownDays),
        ...(more > 0 ? [`so it is on ${more} more days`] : []),
        ...[...others].map(
          ([source, days]) =>
            `none of the campaigns that stood for ${source} on ${days === 1 ? 'a day' : `${days} days`} is in this report, which replaces them; if it is of another account, give it a source of its own (--source)`,
        ),
      ];
    },
  };
}

/** Of how many sets of an import (a source, account and day each) another one stands, since it came in later. */
export async function supersededDays(lake: Store, importId: string): Promise<number> {
  const own = new Map<string, string>();
  const newest = new Map<string, string>();
  for (const object of await lake.list(places.rawCosts)) {
    const body = await lake.get(object);
    if (body === undefined) continue;
    for (const line of gunzipSync(body).toString('utf8').split('\n')) {
      if (line === '') continue;
      const cost = storedLine.parse(JSON.parse(line));
      const key = keyOf(cost.source, cost.account, cost.cost_date);
      const sets = cost.import_id === importId ? own : newest;
      const known = sets.get(key);
      if (known === undefined || known < cost.received_at) sets.set(key, cost.received_at);
    }
  }
  return [...own].filter(([key, at]) => (newest.get(key) ?? '') > at).length;
}
