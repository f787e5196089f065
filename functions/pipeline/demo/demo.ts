import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dayNumber, isoDay } from '#pipeline/demo/calendar';
import { campaignList } from '#pipeline/demo/campaigns';
import {
  campaignsFile,
  channelRulesFile,
  configFile,
  fixedCosts,
  fixedCostsFile,
  mappingFiles,
} from '#pipeline/demo/company-files';
import { amount, csvLine } from '#pipeline/demo/export-text';
import type { Facts } from '#pipeline/demo/facts';
import { createLanding, type Dirt } from '#pipeline/demo/landing';
import type { World } from '#pipeline/demo/life';
import { createLedger, type Effect, invoicesFile, ledgerFile, sumOf, trueEffects } from '#pipeline/demo/truth';
import { liveAll } from '#pipeline/demo/world';

export interface DemoOptions {
  /** Persons in the market. */
  customers: number;
  days: number;
  seed: number;
  /** Whether each channel's true effect is found, which lives everybody's life 13 times more. */
  withEffects: boolean;
}

/** The last whole day of every demo, so that it is the same whenever it is made. */
export const demoLastDay = '2026-10-31';

/** What stands in truth/totals.json. Money is in EUR, as text. */
export interface DemoTotals {
  seed: number;
  first_day: string;
  last_whole_day: string;
  persons_in_market: number;
  customers: number;
  orders: number;
  first_orders: number;
  repeat_orders: number;
  refunds: number;
  revenue: string;
  margin: string;
  /** Events that the import must find, each once, by source; the browser's copies of orders are among those of `web`. */
  events: Record<string, number>;
  events_all: number;
  /** By channel. */
  spend: Record<string, { media: string; fixed: string }>;
  files: number;
  dirt: Dirt;
}

/**
 * Makes the demo company in a folder: configuration, lists, mappings, the exports of its systems in landing/, and what is
 * true in truth/. The same options give the same bytes.
 * @param progress told what is done, in words, now and then.
 */
export function makeDemo(dir: string, options: DemoOptions, progress: (detail: string) => void = () => {}): DemoTotals {
  const lastDay = dayNumber(demoLastDay);
  const world: World = {
    seed: options.seed,
    firstDay: lastDay - options.days + 1,
    lastDay,
    customers: options.customers,
    removed: new Set(),
  };
  const folders = ['landing', 'mappings', 'truth'].map((name) => join(dir, name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });

  const landing = createLanding(join(dir, 'landing'), join(dir, '.percorso', 'demo'), world);
  const ledger = createLedger();
  const facts: Facts = {
    ...landing.facts,
    order(order) {
      ledger.facts.order(order);
      landing.facts.order(order);
    },
    refund(refund) {
      ledger.facts.refund(refund);
      landing.facts.refund(refund);
    },
  };
  liveAll(world, facts, (done) => progress(`${done} of ${options.customers} lives`));
  progress('writing files');
  const landed = landing.finish();
  const { rows } = ledger;
  const whole = sumOf(rows);

  const fixed = fixedCosts(world.firstDay, lastDay, options.customers / 7000);
  const spend = new Map<string, { media: number; fixed: number }>();
  const spendOf = (channel: string) => {
    const known = spend.get(channel) ?? { media: 0, fixed: 0 };
    spend.set(channel, known);
    return known;
  };
  for (const campaign of campaignList) spendOf(campaign.channel).media += landed.media.get(campaign.name) ?? 0;
  spendOf('Comparison Site').media += landed.media.get('comparison') ?? 0;
  for (const row of fixed) spendOf(row.channel).fixed += row.amount;

  const write = (name: string, text: string) => writeFileSync(join(dir, name), text);
  write('percorso.config.ts', configFile);
  write('fixed-costs.csv', fixedCostsFile(fixed));
  write('campaigns.csv', campaignsFile());
  write('channel-rules.csv', channelRulesFile);
  write('invoices.csv', invoicesFile(rows));
  for (const [name, text] of Object.entries(mappingFiles)) write(join('mappings', name), text);

  const totals: DemoTotals = {
    seed: options.seed,
    first_day: isoDay(world.firstDay),
    last_whole_day: demoLastDay,
    persons_in_market: options.customers,
    customers: new Set(rows.map((row) => row.person)).size,
    orders: whole.orders,
    first_orders: whole.firstOrders,
    repeat_orders: whole.orders - whole.firstOrders,
    refunds: whole.refunds,
    revenue: amount(whole.revenue),
    margin: amount(whole.margin),
    events: Object.fromEntries(Object.entries(landed.events).sort(([a], [b]) => (a < b ? -1 : 1))),
    events_all: Object.values(landed.events).reduce((sum, number) => sum + number, 0),
    spend: Object.fromEntries(
      [...spend]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([channel, of]) => [channel, { media: amount(of.media), fixed: amount(of.fixed) }]),
    ),
    files: landed.files,
    dirt: landed.dirt,
  };
  write(join('truth', 'totals.json'), `${JSON.stringify(totals, null, 2)}\n`);
  write(join('truth', 'ledger.csv'), ledgerFile(rows));

  if (options.withEffects) {
    const effects = trueEffects(world, (done, of) => progress(`${done} of ${of} worlds without one channel`));
    const media = (effect: Effect) =>
      campaignList
        .filter((campaign) => campaign.part === effect.part)
        .reduce((sum, campaign) => sum + (landed.media.get(campaign.name) ?? 0), 0);
    const lines = effects.map((effect) => {
      const all = spend.get(effect.channel);
      const cents = effect.part === '(all)' ? (all === undefined ? undefined : all.media + all.fixed) : media(effect);
      const { orders, firstOrders, revenue, margin } = effect.missing;
      return csvLine([
        effect.channel,
        effect.part,
        orders,
        firstOrders,
        amount(revenue),
        amount(margin),
        cents === undefined ? '' : amount(cents),
        cents === undefined || cents === 0 ? '' : ((margin - cents) / cents).toFixed(4),
      ]);
    });
    const header = 'channel,part,orders_missing,first_orders_missing,revenue_missing,margin_missing,spend,true_roi';
    write(join('truth', 'effects.csv'), `${[header, ...lines].join('\n')}\n`);
  }
  return totals;
}
