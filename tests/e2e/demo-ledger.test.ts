import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { modelNames } from '#core/model-names';
import { runCommand } from '../run-command.ts';

const rows = z.array(z.record(z.string(), z.string()));
const money = (text: string | undefined) => Number(text).toFixed(2);

describe('the demo company, imported and built', () => {
  const folder = mkdtempSync(join(tmpdir(), 'percorso-demo-ledger-'));
  const dir = join(folder, 'demo');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs one command line; resolves to what it wrote on stdout. */
  async function percorso(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand(argv, {
      cwd: folder,
      now: () => new Date('2026-11-20T09:00:00Z'),
    });
    expect(code, stderr).toBe(0);
    return stdout;
  }
  const query = async (sql: string, of = dir) =>
    rows.parse(parse(await percorso('--dir', of, 'query', sql, '--format', 'csv'), { columns: true }));
  const truth = (name: string) => readFileSync(join(dir, 'truth', name), 'utf8');

  beforeAll(async () => {
    await percorso('demo', dir, '--customers', '500', '--days', '300', '--no-truth');
    await percorso('--dir', dir, 'import', join(dir, 'landing'));
    await percorso('--dir', dir, 'build');
  });

  it('shows every order and refund of the true ledger on its day, to the cent, and nothing else', async () => {
    const shown = await query(
      `select cast(conversion_date as varchar) as day, order_id, revenue, margin, margin_is_estimated
       from conversions where conversion_type in ('first_order', 'repeat_order')`,
    );
    const line = (row: Record<string, string>) =>
      [row.day, row.order_id, money(row.revenue), money(row.margin), row.margin_is_estimated].join(' ');
    const ledger = rows.parse(parse(truth('ledger.csv'), { columns: true }));
    expect(ledger.length).toBeGreaterThan(50);
    expect(shown.map(line).sort()).toEqual(ledger.map(line).sort());
  });

  it('adds up by campaign, by moment, by cohort and beside the platforms, to the cent', async () => {
    const sums =
      'sum(spend) as spend, sum(revenue) as revenue, sum(margin) as margin, sum(leads) as leads, sum(orders) as orders';
    const whole = await query(
      `select model, channel, period, ${sums} from channel_roi group by model, channel, period order by 1, 2, 3`,
    );
    expect(whole.length).toBeGreaterThan(500);
    for (const part of ['campaign_roi', 'stage_roi']) {
      expect(
        await query(
          `select model, channel, period, ${sums} from ${part} group by model, channel, period
           having sum(spend) <> 0 or sum(orders) <> 0 or sum(leads) <> 0 or sum(revenue) <> 0 order by 1, 2, 3`,
        ),
        part,
      ).toEqual(
        whole.filter((row) => ['spend', 'revenue', 'leads', 'orders'].some((name) => Number(row[name] ?? 0) !== 0)),
      );
    }
    const [cohorts] = await query(
      "select spend, customers from payback where cohort_month = '(all)' and channel = '(all)'",
    );
    expect(cohorts).toEqual(
      (
        await query(
          "select (select sum(spend) from spend_daily) as spend, (select count(*) from conversions where conversion_type = 'first_order' and conversion_id not like 'refund/%') as customers",
        )
      )[0],
    );
    expect(
      await query('select channel, month, platform_conversions, platform_value from platform_comparison order by 1, 2'),
    ).toEqual(
      await query(
        `select channel, date_format(cost_date, '%Y-%m') as month, sum(platform_conversions) as platform_conversions, sum(platform_value) as platform_value
         from costs group by 1, 2 having sum(platform_conversions) <> 0 or sum(platform_value) <> 0 order by 1, 2`,
      ),
    );
    const cac = await query(
      `select payback.cac, channel_roi.cac as cac_of_channel from payback inner join channel_roi
         on channel_roi.channel = payback.channel and channel_roi.period = payback.cohort_month and channel_roi.model = 'last_non_direct'
       where payback.cac is not null`,
    );
    expect(cac.length).toBeGreaterThan(5);
    for (const row of cac) expect(Number(row.cac)).toBeCloseTo(Number(row.cac_of_channel), 9);
  });

  it('spends by channel and month what the costs and the fixed costs say, and sets our credit beside the claims', async () => {
    const spent = await query(
      `select channel, period, spend from channel_roi
       where model = 'linear' and spend is not null and regexp_matches(period, '^\\d{4}-\\d{2}$') order by 1, 2`,
    );
    expect(spent.length).toBeGreaterThan(20);
    expect(spent).toEqual(
      await query(
        "select channel, date_format(day, '%Y-%m') as period, sum(spend) as spend from spend_daily group by 1, 2 order by 1, 2",
      ),
    );
    expect(
      await query(
        "select channel, date_format(day, '%Y-%m') as month, sum(spend) as spend from spend_daily where kind = 'media' group by 1, 2 order by 1, 2",
      ),
    ).toEqual(
      await query(
        "select channel, date_format(cost_date, '%Y-%m') as month, sum(spend) as spend from costs group by 1, 2 order by 1, 2",
      ),
    );
    const ours = await query(
      'select channel, month, our_conversions, our_leads, our_revenue from platform_comparison order by 1, 2',
    );
    expect(ours.length).toBeGreaterThan(5);
    const roi = new Map(
      (
        await query("select channel, period, orders, leads, revenue from channel_roi where model = 'position_based'")
      ).map((row) => [`${row.channel} ${row.period}`, row]),
    );
    for (const { channel, month, our_conversions, our_leads, our_revenue } of ours) {
      const whole = roi.get(`${channel} ${month}`);
      expect([our_conversions, our_leads, our_revenue].map(Number), `${channel} ${month}`).toEqual(
        [whole?.orders, whole?.leads, whole?.revenue].map((value) => Number(value ?? 0)),
      );
    }
  });

  it('takes all that a fully returned order brought back from where it was credited, and leaves its own day as it was', async () => {
    const returned = await query(
      `select order_id, cast(min(conversion_date) as varchar) as sold, cast(max(conversion_date) as varchar) as back
       from conversions where order_id is not null group by order_id
       having count(*) > 1 and sum(revenue) = 0 and max(conversion_date) > min(conversion_date) order by 1`,
    );
    expect(returned.length).toBeGreaterThan(3);
    const left = await query(
      `select count(distinct credit.model) as models, count(distinct conversions.order_id) as orders,
         count(distinct case when parts.margin <> 0 or parts.revenue <> 0 then parts.order_id end) as unbalanced
       from conversions
       inner join credit on credit.conversion_id = conversions.conversion_id
       inner join (
         select conversions.order_id, credit.model, credit.touch_id, sum(credit.margin) as margin, sum(credit.revenue) as revenue
         from conversions inner join credit on credit.conversion_id = conversions.conversion_id group by 1, 2, 3
       ) as parts on parts.order_id = conversions.order_id and parts.model = credit.model and parts.touch_id = credit.touch_id
       where conversions.order_id in (${returned.map((row) => `'${row.order_id}'`).join(', ')})`,
    );
    expect(left).toEqual([{ models: String(modelNames.length), orders: String(returned.length), unbalanced: '0' }]);

    const [one] = returned;
    const ofTheOrder = `select model, touch_id, conversions, revenue, margin from credit
      where conversion_id = 'order/${one?.order_id}' and model in ('first_touch', 'last_touch', 'linear', 'w_shaped') order by 1, 2`;
    const ofTheDay = `select model, conversion_type, channel, device_class, stage, conversions, revenue, margin from channel_daily
      where day = date '${one?.sold}' and model in ('first_touch', 'last_touch', 'linear', 'w_shaped') order by 1, 2, 3, 4, 5`;
    const [order, day] = [await query(ofTheOrder), await query(ofTheDay)];
    expect(order.length).toBeGreaterThan(0);
    const eve = new Date(Date.parse(`${one?.back}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
    const past = join(folder, 'past');
    cpSync(dir, past, { recursive: true });
    await percorso('--dir', past, 'build', '--as-of', eve);
    expect(await query(`select 1 from conversions where order_id = '${one?.order_id}' and revenue < 0`, past)).toEqual(
      [],
    );
    expect(await query(ofTheOrder, past)).toEqual(order);
    expect(await query(ofTheDay, past)).toEqual(day);
  });

  it('shows the true spend of each channel, restated costs once', async () => {
    const shown = await query('select channel, kind, sum(spend) as spend from spend_daily group by channel, kind');
    const totals = z
      .object({ spend: z.record(z.string(), z.object({ media: z.string(), fixed: z.string() })) })
      .parse(JSON.parse(truth('totals.json')));
    const expected = Object.entries(totals.spend).flatMap(([channel, spend]) =>
      (['media', 'fixed'] as const).map((kind) => `${channel} ${kind} ${spend[kind]}`),
    );
    expect(shown.map((row) => `${row.channel} ${row.kind} ${money(row.spend)}`).sort()).toEqual(
      expected.filter((line) => !line.endsWith(' 0.00')).sort(),
    );
  });

  it('ties nobody together by the tablet in the shop or by the switchboard', async () => {
    const hubs = await query('select kind, linked_kind from identity_hubs');
    expect(hubs).toContainEqual({ kind: 'anonymous_id', linked_kind: 'user_id' });
  });
});
