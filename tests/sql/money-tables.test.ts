import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Arrival,
  at,
  type BuiltCompany,
  buildCompany,
  companyBuilder,
  contact,
  visit,
} from './company-on-duckdb.ts';

const build = companyBuilder();
const sold = (who: string, id: string, day: string, revenue: string, margin?: string): Arrival => ({
  event_id: `order-${id}`,
  event_type: 'Order Completed',
  occurred_at: at(day, '12:00:00'),
  source: 'shop',
  identifiers: { anonymous_id: who },
  value: { order_id: id, revenue, ...(margin === undefined ? {} : { margin }) },
});
const lead = (who: string, day: string): Arrival => ({
  event_id: `lead-${who}`,
  event_type: 'Lead Created',
  occurred_at: at(day, '11:00:00'),
  source: 'site',
  identifiers: { anonymous_id: who },
});
const ad = (who: string, day: string, campaign: string | undefined, more: Arrival['touch'] = {}): Arrival =>
  visit(who, at(day), { source: 'google', medium: 'cpc', ...(campaign === undefined ? {} : { campaign }), ...more });
const cost = (cost_date: string, campaign: string, spend: string, more = {}) => ({
  cost_date,
  source: 'google_ads',
  channel: 'Paid Search',
  campaign,
  campaign_id: `id-${campaign}`,
  spend,
  currency: 'EUR',
  ...more,
});

describe('money by campaign and by moment', () => {
  let company: BuiltCompany;
  const roi = (table: string, part: string, where: string) =>
    company.lines(
      `select channel, ${part}, touches, spend, cast(revenue as decimal(18, 2)), cast(margin as decimal(18, 2)),
         cast(round(roi, 4) as decimal(18, 4)), orders, note
       from ${table} where model = 'linear' and ${where} order by 1, 2`,
    );
  beforeAll(async () => {
    company = await build({
      asOf: '2026-03-31',
      lists: {
        fixedCosts: [
          {
            channel: 'Paid Search',
            label: 'fee',
            from_date: '2026-01-05',
            to_date: '2026-01-31',
            amount: '31.00',
            currency: 'EUR',
          },
        ],
      },
      events: [
        // January: a is touched twice before the lead, once before the first order, once after it.
        ad('a', '2026-01-05', 'brand'),
        ad('a', '2026-01-06', 'shoes'),
        lead('a', '2026-01-06'),
        ad('a', '2026-01-07', 'brand'),
        sold('a', 'a1', '2026-01-08', '300.00', '90.00'),
        ad('a', '2026-01-09', undefined),
        sold('a', 'a2', '2026-02-10', '100.00', '40.00'),
        // b comes by the campaign's id alone, and by the store.
        ad('b', '2026-02-01', undefined, { campaign_id: 'id-shoes' } as Arrival['touch']),
        contact('b', 'Store', at('2026-02-02')),
        sold('b', 'b1', '2026-02-03', '80.00', '20.00'),
        sold('c', 'c1', '2026-02-04', '10.00', '1.00'),
      ],
      costs: [
        cost('2026-01-10', 'brand', '40.00', { platform_conversions: 3, platform_value: '450.00' }),
        cost('2026-01-11', 'shoes', '20.00', { platform_conversions: 1 }),
        cost('2026-02-11', 'shoes', '6.00', { platform_conversions: 2 }),
        // A month in which nobody came.
        cost('2026-03-11', 'hats', '7.00'),
      ],
    });
  }, 60_000);

  test('of a campaign sets its credit beside its own spend; a touch with its id alone is its own', async () => {
    // a1: 100 to each of three touches. a2: 25 to each of four. b1: 40 to shoes, by its id.
    expect(await roi('campaign_roi', 'campaign', "period = 'all_time'")).toEqual([
      '(unattributed) (unattributed) 0 null 10.00 1.00 null 1.000000 no cost on record',
      'Paid Search (fixed costs) 0 31.00 0.00 0.00 null 0.000000 no conversions',
      'Paid Search (not set) 1 null 25.00 10.00 null 0.250000 no cost on record',
      'Paid Search brand 2 40.00 250.00 80.00 1.0000 1.166667 fewer than 30 conversions',
      'Paid Search hats 0 7.00 0.00 0.00 null 0.000000 no conversions',
      'Paid Search shoes 2 26.00 165.00 50.00 0.9231 1.083333 fewer than 30 conversions',
      'Store (not set) 1 null 40.00 10.00 null 0.500000 no cost on record',
    ]);
  });

  test("of a moment shares a month's spend by that month's touches; a month without a touch goes before the lead", async () => {
    // January: 91.00 over two touches before the lead, one before the order, one after. February: b's one, before the lead.
    expect(await roi('stage_roi', 'moment', "channel = 'Paid Search' and period = '2026-01'")).toEqual([
      'Paid Search after_first_order 1 22.75 0.00 0.00 null 0.000000 no conversions',
      'Paid Search before_first_order 1 22.75 100.00 30.00 0.3187 0.333334 fewer than 30 conversions',
      'Paid Search before_lead 2 45.50 200.00 60.00 0.3187 0.666666 fewer than 30 conversions',
    ]);
    expect(await roi('stage_roi', 'moment', "channel = 'Paid Search' and period = '2026-03'")).toEqual([
      'Paid Search before_lead 0 7.00 0.00 0.00 null 0.000000 no conversions',
    ]);
    expect(await roi('stage_roi', 'moment', "channel = '(unattributed)' and period = '2026-02'")).toEqual([
      '(unattributed) (unattributed) 0 null 10.00 1.00 null 1.000000 no cost on record',
    ]);
    // A period that begins in a month takes that month's shares of the spend that falls into it.
    expect(
      await company.lines(
        "select moment, spend from stage_roi where model = 'linear' and channel = 'Paid Search' and period = 'last_30_days' order by 1",
      ),
    ).toEqual(['before_lead 7.00']);
  });

  test('as the platforms claim it stands beside ours, by month', async () => {
    expect(
      await company.lines(
        `select channel, month, platform_conversions, our_conversions, cast(round(ratio, 4) as decimal(18, 4)), our_leads, platform_value
         from platform_comparison order by month`,
      ),
    ).toEqual([
      'Paid Search 2026-01 4 1.000000 4.0000 1.000000 450.00',
      // position_based: b's order half each; a2 wholly by the search.
      'Paid Search 2026-02 2 1.500000 1.3333 0.000000 0.00',
    ]);
  });

  test('pays back in the first whole month in which the margin per customer reaches what the customer cost', async () => {
    expect(
      await company.lines(
        `select cohort_month, channel, customers, spend, cast(round(cac, 4) as decimal(18, 4)), payback_month, observed_ltv, expected_ltv,
           cast(round(ltv_cac, 4) as decimal(18, 4)), is_complete, note
         from payback order by 1, 2`,
      ),
    ).toEqual([
      '(all) (all) 3 104.00 34.6667 null 50.333333333333336 null 1.4519 true no forecast',
      '(all) (unattributed) 1 null null null 1 null null true no cost on record',
      '(all) Paid Search 1 104.00 104.0000 null 130 null 1.2500 true no forecast',
      '(all) Store 1 null null null 20 null null true no cost on record',
      '2026-01 (all) 1 91.00 91.0000 1 130 null 1.4286 true no forecast',
      '2026-01 Paid Search 1 91.00 91.0000 1 130 null 1.4286 true no forecast',
      '2026-02 (all) 2 6.00 3.0000 0 10.5 null 3.5000 true no forecast',
      '2026-02 (unattributed) 1 null null null 1 null null true no cost on record',
      '2026-02 Paid Search 0 6.00 null null null null null true no customers',
      '2026-02 Store 1 null null null 20 null null true no cost on record',
      '2026-03 (all) 0 7.00 null null null null null true no customers',
      '2026-03 Paid Search 0 7.00 null null null null null true no customers',
    ]);
    // The CAC is that of the channels' table.
    expect(
      await company.lines(
        `select payback.channel from payback inner join channel_roi
           on channel_roi.channel = payback.channel and channel_roi.period = payback.cohort_month and channel_roi.model = 'last_non_direct'
         where abs(coalesce(payback.cac, 0) - coalesce(channel_roi.cac, 0)) > 1e-9`,
      ),
    ).toEqual([]);
  });

  test('breaks no check', () => {
    expect(company.failing.error).toEqual([]);
  });
});

test('a payback whose cohort is not over is not known yet, nor one whose margin is unknown', async () => {
  const company = await build({
    asOf: '2026-02-15',
    events: [
      ad('a', '2026-01-05', 'brand'),
      sold('a', 'a1', '2026-01-08', '300.00'),
      ad('b', '2026-02-05', 'brand'),
      sold('b', 'b1', '2026-02-08', '300.00', '100.00'),
    ],
    costs: [cost('2026-01-10', 'brand', '40.00'), cost('2026-02-10', 'brand', '40.00')],
  });
  expect(
    await company.lines(
      "select cohort_month, cac, payback_month, observed_ltv, is_complete, note from payback where channel = 'Paid Search' order by 1",
    ),
  ).toEqual([
    '(all) 40 null null false margin unknown',
    '2026-01 40 null null true margin unknown',
    '2026-02 40 null 100 false no forecast',
  ]);
  expect(
    await company.lines(
      "select spend, revenue, margin, roi, note from campaign_roi where model = 'linear' and campaign = 'brand' and period = '2026-01'",
    ),
  ).toEqual(['40.00 300.000000 null null margin unknown']);
  expect(company.failing.error).toEqual([]);
});

describe('spend without touches, and touches without spend', () => {
  let company: BuiltCompany;
  beforeAll(async () => {
    const day = '2026-06-01';
    company = await build({
      asOf: '2026-06-30',
      events: [
        ad('a', day, 'spring_sale'),
        ad('b', day, 'Brand IT'),
        ad('c', day, 'sumer-shoes'),
        ad('d', day, 'unheard of'),
        ad('e', day, '987654321'),
        ad('f', day, undefined),
        ad('g', day, 'matched'),
        // The campaign is paid, its visitors say that they come by an unpaid link.
        visit('h', at(day), { source: 'facebook', medium: 'social', campaign: 'reach' }),
        visit('i', at(day), { source: 'newsletter', medium: 'email', campaign: 'june' }),
        visit('j', at(day), { source: 'tiktok', medium: 'paid_social', campaign: 'dance' }),
        // Too old to be mended.
        ad('old', '2026-03-01', 'forgotten'),
      ],
      costs: [
        cost(day, 'Spring Sale', '10.00'),
        cost(day, 'brand-it', '20.00'),
        cost(day, 'summer shoes', '30.00'),
        cost(day, 'lonely', '40.00'),
        cost(day, 'matched', '50.00'),
        { ...cost(day, 'reach', '60.00'), source: 'meta_ads', channel: 'Paid Social' },
        { ...cost(day, 'video', '70.00'), source: 'bing', channel: 'Display' },
        cost('2026-03-02', 'forgotten too', '80.00'),
        { cost_date: day, source: 'rent', channel: 'Store', spend: '5.00', currency: 'EUR' },
      ],
    });
  }, 60_000);

  test('are listed with the nearest name of the other side', async () => {
    expect(
      await company.lines(
        'select kind, name, nearest_name, touches, spend, channel, nearest_channel, difference from spend_hygiene order by kind, name',
      ),
    ).toEqual([
      'campaign_on_other_channel reach reach 1 60.00 Paid Social Organic Social channel',
      'campaign_without_spend Brand IT brand-it 1 0.00 Paid Search Paid Search case, space or punctuation',
      'campaign_without_spend dance null 1 0.00 Paid Social null null',
      'campaign_without_spend spring_sale Spring Sale 1 0.00 Paid Search Paid Search case, space or punctuation',
      'campaign_without_spend sumer-shoes summer shoes 1 0.00 Paid Search Paid Search spelling',
      'campaign_without_spend unheard of null 1 0.00 Paid Search null null',
      'campaign_without_touches Spring Sale spring_sale 0 10.00 Paid Search Paid Search case, space or punctuation',
      'campaign_without_touches brand-it Brand IT 0 20.00 Paid Search Paid Search case, space or punctuation',
      'campaign_without_touches lonely null 0 40.00 Paid Search null null',
      'campaign_without_touches summer shoes sumer-shoes 0 30.00 Paid Search Paid Search spelling',
      'campaign_without_touches video null 0 70.00 Display null null',
      'channel_without_touches Display null 0 70.00 Display null null',
      'channel_without_touches Store null 0 5.00 Store null null',
      'source_without_spend tiktok null 1 0.00 Paid Social null null',
      'source_without_touches bing null 0 70.00 Display null null',
      'source_without_touches rent null 0 5.00 Store null null',
      'touches_without_campaign (not set) null 1 0.00 Paid Search null null',
      'unknown_campaign_id 987654321 null 1 0.00 Paid Search null null',
    ]);
  });

  test('say on the page of what they have, and of what they have none they say nothing', async () => {
    const page = await readFile(new URL('../../dashboards/tables/hygiene.sql', import.meta.url), 'utf8');
    const shown = await company.query(page);
    const lines = shown.map(({ name, touches, spend }) => `${name} ${touches} ${spend}`);
    expect(lines).toEqual(expect.arrayContaining(['reach 1 60', 'lonely null 40', 'unheard of 1 null']));
    expect(shown.filter(({ touches, spend }) => touches === 0 || spend === 0)).toEqual([]);
  });

  test('leave none of the spend out: what is not listed found touches', async () => {
    expect(
      await company.lines(
        `select sum(spend) from spend_hygiene where kind in ('campaign_without_touches', 'campaign_on_other_channel')`,
      ),
    ).toEqual(['230.00']);
    expect(company.failing.error).toEqual([]);
  });
});

test('sources are met by their nearest name as campaigns are, and names are compared in any script', async () => {
  const day = '2026-06-01';
  const paid = (who: string, source: string, campaign: string): Arrival =>
    visit(who, at(day), { source, medium: 'cpc', campaign });
  const company = await build({
    asOf: '2026-06-30',
    events: [
      paid('a', 'criteo-it', 'matched'),
      paid('b', 'trade_desk', 'matched'),
      paid('c', 'outbrain', ''),
      paid('d', 'xy', ''),
      // Nothing is like it, but its campaign is billed by another: one platform, several sites.
      paid('k', 'teads', 'matched'),
      ad('e', day, 'Весна_распродажа'),
      ad('f', day, 'città-vecchia'),
      // One letter of five is another, of three bytes; then all but the last two.
      ad('g', day, '東京夕ワー'),
      ad('h', day, '大阪城タワー'),
      ad('i', day, 'зима'),
      ad('j', day, '—!—'),
    ],
    costs: [
      ...Object.entries({ criteo: 'matched', 'Trade Desk': 'matched', meta: 'matched', taboola: '', xz: '' }).map(
        ([source, campaign]) => ({
          ...cost(day, campaign, '10.00'),
          campaign_id: campaign,
          source,
          channel: 'Paid Other',
        }),
      ),
      cost(day, 'весна распродажа', '20.00'),
      cost(day, 'Citta Vecchia', '30.00'),
      cost(day, '東京タワー', '40.00'),
      cost(day, 'лето', '50.00'),
      cost(day, '…', '60.00'),
    ],
  });
  expect(
    await company.lines(
      `select kind, name, nearest_name, channel, nearest_channel, difference from spend_hygiene
       where kind like 'source%' or kind like 'campaign_without%' order by kind, name`,
    ),
  ).toEqual([
    'campaign_without_spend città-vecchia Citta Vecchia Paid Search Paid Search spelling',
    'campaign_without_spend Весна_распродажа весна распродажа Paid Search Paid Search case, space or punctuation',
    'campaign_without_spend зима null Paid Search null null',
    'campaign_without_spend —!— null Paid Search null null',
    'campaign_without_spend 大阪城タワー null Paid Search null null',
    'campaign_without_spend 東京夕ワー 東京タワー Paid Search Paid Search spelling',
    'campaign_without_touches Citta Vecchia città-vecchia Paid Search Paid Search spelling',
    'campaign_without_touches весна распродажа Весна_распродажа Paid Search Paid Search case, space or punctuation',
    'campaign_without_touches лето null Paid Search null null',
    'campaign_without_touches … null Paid Search null null',
    'campaign_without_touches 東京タワー 東京夕ワー Paid Search Paid Search spelling',
    'source_without_spend criteo-it criteo Paid Other Paid Other spelling',
    'source_without_spend outbrain null Paid Other null null',
    'source_without_spend trade_desk trade desk Paid Other Paid Other case, space or punctuation',
    'source_without_spend xy null Paid Other null null',
    'source_without_touches criteo criteo-it Paid Other Paid Other spelling',
    'source_without_touches taboola null Paid Other null null',
    'source_without_touches trade desk trade_desk Paid Other Paid Other case, space or punctuation',
    'source_without_touches xz null Paid Other null null',
  ]);
  expect(company.failing.error).toEqual([]);
});

describe('answers and referrals', () => {
  const answer = (who: string, day: string, score: number, kind?: string): Arrival => ({
    event_id: `answer-${who}-${day}`,
    event_type: 'Feedback Given',
    occurred_at: at(day),
    source: 'survey',
    identifiers: { anonymous_id: who },
    properties: { score, ...(kind === undefined ? {} : { kind }) },
  });

  test('are counted by the survey, the month, and the channel and device that first brought the person', async () => {
    const company = await build({
      select: 'survey_results',
      events: [
        contact('a', 'Store', at('2026-01-01')),
        contact('b', 'Store', at('2026-01-01')),
        ...[
          ['a', 9],
          ['b', 10],
        ].map(([who, score]) => answer(String(who), '2026-02-01', Number(score), 'NPS')),
        answer('a', '2026-02-02', 6, 'nps'),
        answer('b', '2026-02-03', 7, 'nps'),
        answer('c', '2026-02-03', 0, 'nps'),
        answer('a', '2026-03-01', 5, 'csat'),
        answer('a', '2026-03-02', 8),
      ],
    });
    expect(await company.lines('select * from survey_results order by kind, month, channel')).toEqual([
      'csat 2026-03 Store offline 1 null null 5',
      'nps 2026-02 (unattributed) (none) 1 0 1 0',
      'nps 2026-02 Store offline 4 2 1 8',
      'survey 2026-03 Store offline 1 0 0 8',
    ]);
  });

  test('of a referral come the lead that carries its id, and what that person brought', async () => {
    const event = (who: string, event_type: string, day: string, referral_id?: string): Arrival => ({
      event_id: `${event_type}-${who}-${day}`,
      event_type,
      occurred_at: at(day),
      source: 'site',
      identifiers: { anonymous_id: who },
      properties: referral_id === undefined ? {} : { referral_id },
    });
    const company = await build({
      select: 'referral_results',
      events: [
        event('a', 'Referral Made', '2026-01-10', 'r1'),
        event('a', 'Referral Made', '2026-01-11', 'r2'),
        event('a', 'Referral Made', '2026-01-12'),
        event('b', 'Referral Made', '2026-02-10', 'r1'),
        event('c', 'Lead Created', '2026-02-11', 'r1'),
        event('d', 'Lead Created', '2026-03-11', 'r1'),
        event('d', 'Lead Created', '2026-03-12', 'r2'),
        // Whoever uses the own id refers nobody.
        event('a', 'Lead Created', '2026-03-12', 'r2'),
        sold('c', 'c1', '2026-04-01', '100.00', '30.00'),
        sold('c', 'c2', '2026-04-02', '100.00', '30.00'),
        // A customer already, whom nobody won by a referral.
        sold('e', 'e1', '2026-01-05', '100.00', '30.00'),
        event('e', 'Lead Created', '2026-03-13', 'r1'),
      ],
    });
    expect(await company.lines('select * from referral_results order by month')).toEqual([
      '2026-01 3 3 1 60.00 1',
      '2026-02 1 0 0 0.00 0',
    ]);
  });
});

test('every company adds up: by campaign, by moment, by cohort and by platform', async () => {
  const pick = <T>(...values: T[]) => fc.constantFrom(...values);
  const day = fc
    .integer({ min: 0, max: 100 })
    .map((days) => new Date(Date.UTC(2026, 0, 1) + days * 86_400_000).toISOString().slice(0, 10));
  const who = pick('a', 'b', 'c', 'd', 'e', 'f');
  const campaigns = pick('brand', 'shoes', 'Shoes', '12345', undefined);
  const event = fc
    .record({
      who,
      day,
      campaign: campaigns,
      kind: pick('ad', 'ad', 'ad', 'store', 'lead', 'order', 'order', 'refund'),
      cents: fc.integer({ min: 1, max: 99_999 }),
      hasMargin: fc.integer({ min: 0, max: 9 }),
      id: fc.integer({ min: 0, max: 20 }),
    })
    .map(({ who: person, day: on, campaign, kind, cents, hasMargin, id }): Arrival => {
      const money = (amount: number) => (amount / 100).toFixed(2);
      if (kind === 'ad') return ad(person, on, campaign);
      if (kind === 'store') return contact(person, 'Store', at(on));
      if (kind === 'lead') return lead(person, on);
      const order = sold(person, `o${id}`, on, money(cents), hasMargin > 0 ? money(Math.floor(cents / 3)) : undefined);
      return kind === 'order' ? order : { ...order, event_id: `refund-${id}`, event_type: 'Order Refunded' };
    });
  const spend = fc
    .record({
      day,
      campaign: pick('brand', 'shoes', 'hats'),
      cents: fc.integer({ min: 0, max: 9_999 }),
      claims: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ day: on, campaign, cents, claims }) =>
      cost(on, campaign, (cents / 100).toFixed(2), {
        platform_conversions: claims,
        channel: campaign === 'hats' ? 'Display' : 'Paid Search',
        campaign_id: campaign === 'brand' ? '12345' : '',
      }),
    );
  const fixed = fc
    .record({
      channel: pick('Store', 'Paid Search'),
      from: fc.integer({ min: 0, max: 60 }),
      days: fc.integer({ min: 0, max: 80 }),
      cents: fc.integer({ min: 1, max: 99_999 }),
    })
    .map(({ channel, from, days, cents }) => {
      const dayAt = (offset: number) => new Date(Date.UTC(2026, 0, 1) + offset * 86_400_000).toISOString().slice(0, 10);
      return {
        channel,
        label: 'x',
        from_date: dayAt(from),
        to_date: dayAt(from + days),
        amount: (cents / 100).toFixed(2),
        currency: 'EUR',
      };
    });
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 10, maxLength: 60 }),
      fc.array(spend, { maxLength: 20 }),
      fc.array(fixed, { maxLength: 3 }),
      async (events, costs, fixedCosts) => {
        const company = await buildCompany({ events, costs, lists: { fixedCosts }, asOf: '2026-04-11' });
        try {
          expect(company.refused).toEqual([]);
          expect(company.failing.error).toEqual([]);
          // Apart from the checks: over all channels and parts of a month, spend is the ledger of spend.
          for (const table of ['campaign_roi', 'stage_roi']) {
            expect(
              await company.lines(
                `select period, sum(spend) from ${table} where model = 'linear' and period like '2026-__' group by period having sum(spend) > 0 order by 1`,
              ),
            ).toEqual(
              await company.lines(
                "select date_format(day, '%Y-%m'), sum(spend) from spend_daily group by 1 having sum(spend) > 0 order by 1",
              ),
            );
          }
          rows += (await company.query('select 1 from campaign_roi where spend > 0 and orders > 0')).length;
        } finally {
          await company.close();
        }
      },
    ),
    { numRuns: 8, seed: 20_260_702 },
  );
  expect(rows).toBeGreaterThan(50);
}, 180_000);
