import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { effectsByWalking, type Path } from '../unit/markov-walker.ts';
import { type Arrival, type BuiltCompany, companyBuilder } from './company-on-duckdb.ts';

/*
 * The public table of ad contacts of examples/touches, with paths from one conversion to the next, as other tools have them:
 * what the fits find is worked out again from the file itself.
 */
const file = fileURLToPath(new URL('../../../shared/data/touches/attribution_data.csv.gz', import.meta.url));
const build = companyBuilder();
const contacts = z.array(
  z.object({
    customer_id: z.string(),
    time: z.string(),
    conversion: z.string(),
    conversion_value: z.string(),
    channel: z.string(),
  }),
);

describe.skipIf(!existsSync(file))('ad touches (skipped: no ../shared/data)', () => {
  let company: BuiltCompany;
  let paths: Path[];
  beforeAll(async () => {
    const rows = contacts.parse(parse(gunzipSync(readFileSync(file)), { columns: true }));
    rows.sort((a, b) => (a.customer_id + a.time < b.customer_id + b.time ? -1 : 1));
    paths = pathsOf(rows);
    company = await build({
      config: {
        timeZone: 'UTC',
        currency: 'USD',
        attribution: { pathStart: 'after_previous' },
        // Of every conversion alike, the first and the later ones.
        conversions: { purchase: { event: 'Order Completed' } },
      },
      events: rows.flatMap((row, index): Arrival[] => {
        const base = {
          source: 'ads',
          occurred_at: row.time,
          identifiers: { crm_id: row.customer_id },
          touch: { channel: row.channel },
        };
        const value = { order_id: String(index), revenue: row.conversion_value, currency: 'USD' };
        return [
          { ...base, event_type: 'Contact', event_id: `contact-${index}` },
          ...(row.conversion === '1'
            ? [{ ...base, event_type: 'Order Completed', event_id: `order-${index}`, value }]
            : []),
        ];
      }),
      now: '2018-08-02T10:00:00Z',
      select: 'channel_factors,paths',
    });
  }, 120_000);

  function pathsOf(rows: z.infer<typeof contacts>): Path[] {
    const found: Path[] = [];
    let channels: string[] = [];
    for (const [index, row] of rows.entries()) {
      channels.push(row.channel);
      const converts = row.conversion === '1';
      const isLast = rows[index + 1]?.customer_id !== row.customer_id;
      if (!converts && !isLast) continue;
      found.push({
        channels,
        conversions: converts ? 1 : 0,
        losses: converts ? 0 : 1,
        value: converts ? Number(row.conversion_value) : 0,
      });
      channels = [];
    }
    return found;
  }

  test('have the same paths, conversions and value', async () => {
    const ways = new Map<string, [number, number]>();
    for (const { channels, conversions } of paths) {
      const way = ways.get(channels.join(' > ')) ?? [0, 0];
      ways.set(channels.join(' > '), [way[0] + conversions, way[1] + 1]);
    }
    const found = await company.query(
      "select path, conversions, journeys from paths where conversion_type = 'purchase'",
    );
    expect(new Map(found.map((row) => [row.path, [Number(row.conversions), Number(row.journeys)]]))).toEqual(ways);
    expect(
      await company.lines("select sum(conversions), sum(revenue) from paths where conversion_type = 'purchase'"),
    ).toEqual(['1838 11423.50']);
  });

  test.each([1, 2])('have the same removal effects and textbook totals of order %i, to 1e-9', async (order) => {
    const effects = effectsByWalking(paths, order);
    const total = [...effects.values()].reduce((sum, effect) => sum + effect.conversions, 0);
    const totalValue = [...effects.values()].reduce((sum, effect) => sum + effect.value, 0);
    const found = await company.query(
      `select channel, removal_effect, revenue_removal_effect, textbook_conversions, textbook_revenue, fitted_on_journeys
       from channel_factors where conversion_type = 'purchase' and model = 'markov_${order}'`,
    );
    expect(found.map((row) => row.channel).sort()).toEqual([...effects.keys()].sort());
    for (const row of found) {
      const effect = effects.get(String(row.channel));
      const conversions = effect?.conversions ?? Number.NaN;
      const value = effect?.value ?? Number.NaN;
      expect(Math.abs(Number(row.removal_effect) - conversions)).toBeLessThan(1e-9);
      expect(Math.abs(Number(row.revenue_removal_effect) - value)).toBeLessThan(1e-9);
      expect(Math.abs(Number(row.textbook_conversions) - (conversions / total) * 1838)).toBeLessThan(1e-9 * 1838);
      expect(Math.abs(Number(row.textbook_revenue) - (value / totalValue) * 11_423.5)).toBeLessThan(1e-9 * 11_423.5);
      expect(Number(row.fitted_on_journeys)).toBe(paths.length);
    }
  });
});
