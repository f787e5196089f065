import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { type Catalogue, isSqlModel } from '#pipeline/builds/catalogue';
import { buildCompany, modelCatalogue } from './company-on-duckdb.ts';
import { event, randomConfig } from './random-company.ts';

/*
 * A sum of doubles depends, in its last digits, on the order in which threads come to its rows, so two builds of the same facts
 * would differ. Small companies never show it: one thread has all rows. So each sum says here what it sums.
 */
/** Sums of doubles that have one value in any order, and why. */
const allowed = new Map([
  ['costs', 'whole impressions and clicks'],
  ['credit_buckets', 'decimals as doubles, rounded to the decimals that they have'],
  ['moment_spend', 'whole numbers'],
  ['spending_counts', 'whole numbers'],
]);

/** The end of a call, from the place of its opening parenthesis. */
function closing(sql: string, open: number): number {
  let depth = 0;
  for (let place = open; place < sql.length; place++) {
    if (sql[place] === '(') depth++;
    if (sql[place] === ')' && --depth === 0) return place;
  }
  throw new Error(`no end of the call at ${open}: ${sql}`);
}

/** The same SQL, in which a sum or mean of doubles over groups is an error that names the model; those over windows are left. */
function sumsThatRefuseDoubles(sql: string, model: string): string {
  let read = '';
  let from = 0;
  for (const call of sql.matchAll(/\b(sum|avg)\(/g)) {
    if (call.index < from) continue;
    const open = call.index + call[0].length - 1;
    const end = closing(sql, open);
    const argument = sumsThatRefuseDoubles(sql.slice(open + 1, end), model);
    const whole = `${call[1]}(${argument})`;
    const isWindow = /^\s*(over|filter)\b/.test(sql.slice(end + 1));
    read += sql.slice(from, call.index);
    read += isWindow
      ? whole
      : `(case when typeof(any_value(${argument})) = 'DOUBLE' then error('${model} sums doubles: ${argument.replaceAll("'", '').replaceAll(/\s+/g, ' ')}') else ${whole} end)`;
    from = end + 1;
  }
  return read + sql.slice(from);
}

function refusing(catalogue: Catalogue): Catalogue {
  return {
    ...catalogue,
    models: catalogue.models.map((model) =>
      isSqlModel(model) && !allowed.has(model.name)
        ? { ...model, sql: sumsThatRefuseDoubles(model.sql, model.name) }
        : model,
    ),
  };
}

const ads = [15, 31, 45].map((day) => ({
  source: 'google_ads',
  account: '1',
  cost_date: new Date(Date.UTC(2026, 0, day)).toISOString().slice(0, 10),
  channel: 'Paid Search',
  campaign_id: 'spring',
  spend: '12.34',
  currency: 'EUR',
  clicks: 7,
  platform_conversions: 2,
  platform_value: '40.50',
}));

test('no model sums doubles over rows: threads have no order', async () => {
  const catalogue = await modelCatalogue();
  const [events] = fc.sample(fc.array(event, { minLength: 400, maxLength: 400 }), { numRuns: 1, seed: 20_260_701 });
  const company = await buildCompany({
    config: randomConfig,
    catalogue: refusing(catalogue),
    events: (events ?? []).map((made, index) => ({ ...made, event_id: `${index}` })),
    costs: ads,
    now: '2026-03-20T10:00:00Z',
  });
  const unseen: string[] = [];
  for (const { name, sql, header } of catalogue.models.filter(isSqlModel)) {
    if (header.kept === 'view' || !/\b(sum|avg)\(/.test(sql)) continue;
    const [row] = await company.query(`select count(*) as rows from ${name}`);
    if (Number(row?.rows) === 0) unseen.push(name);
  }
  await company.close();
  // A sum over no row proves nothing. These three tell of earlier builds and of more months than there are here.
  expect(unseen.sort()).toEqual(['late_arrivals', 'margin_changes', 'restatements']);
});

test.each([
  ['sum(a.b)', true],
  ['sum(cast(a.b as decimal(18, 6)))', false],
  ['sum(sum(a.b)) over ()', true],
  ['avg(case when a.b > (1 + 1) then a.b end)', true],
])('%s', async (call, isFound) => {
  const warehouse = await createDuckDbWarehouse({ threads: 1, memory: '1GB' });
  const read = warehouse.query(sumsThatRefuseDoubles(`select ${call} as c from (select 1.5e0 as b) as a`, 'model m'));
  await (isFound ? expect(read).rejects.toThrow('model m sums doubles') : expect(read).resolves.toHaveLength(1));
  await warehouse.close();
});
