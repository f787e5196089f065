import { describe, expect, test } from 'vitest';
import { at, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();
const horizon = "select as_of_day, first_day, date_format(as_of_at, '%Y-%m-%d %H:%i') as ends from horizon";

describe('the last whole day', () => {
  test('is the last day with data', async () => {
    const company = await build({ events: [visit('a', at('2026-06-01')), visit('a', at('2026-06-09'))] });
    expect(await company.lines(horizon)).toEqual(['2026-06-09 2026-06-01 2026-06-09 22:00']);
    expect(company.failing).toEqual({ error: [], warn: [] });
  });

  test('is never today, and what occurred today is in no mart', async () => {
    const company = await build({
      now: '2026-06-10T09:00:00Z',
      events: [
        visit('a', at('2026-06-01')),
        // 22:30 UTC on the 9th is half past midnight of the 10th in Rome.
        order('a', 'late', at('2026-06-09', '22:30:00'), '10.00'),
        order('a', 'in-time', at('2026-06-09', '21:30:00'), '20.00'),
        contact('b', 'Phone', at('2026-06-10', '07:00:00')),
      ],
      costs: [{ cost_date: '2026-06-10', source: 'ads', spend: '5.00', currency: 'EUR', channel: 'Display' }],
      lists: {
        fixedCosts: [
          {
            channel: 'Phone',
            label: 'desk',
            from_date: '2026-06-01',
            to_date: '2026-06-30',
            amount: '30.00',
            currency: 'EUR',
          },
        ],
      },
    });
    expect(await company.lines('select as_of_day from horizon')).toEqual(['2026-06-09']);
    expect(await company.lines('select order_id from conversions')).toEqual(['in-time']);
    expect(await company.lines("select count(*) from events where event_date > date '2026-06-09'")).toEqual(['0']);
    expect(await company.lines('select count(*) from touches')).toEqual(['1']);
    expect(await company.lines('select count(*) from costs')).toEqual(['0']);
    expect(await company.lines('select max(day), sum(spend) from spend_daily')).toEqual(['2026-06-09 9.00']);
  });

  test('is yesterday at the latest, however far in the future an event claims to be', async () => {
    const company = await build({
      select: 'horizon',
      now: '2026-06-10T09:00:00Z',
      events: [visit('a', at('2026-06-01')), visit('a', at('2026-06-11'), {}, { received_at: at('2026-06-10') })],
    });
    expect(await company.lines('select as_of_day from horizon')).toEqual(['2026-06-09']);
  });

  test('is cut by --as-of, and later facts are in no mart', async () => {
    const company = await build({
      asOf: '2026-06-05',
      events: [
        visit('a', at('2026-06-01'), { source: 'google', medium: 'cpc' }),
        order('a', 'o1', at('2026-06-05'), '10.00'),
        order('a', 'o2', at('2026-06-06'), '20.00'),
        visit('b', at('2026-06-07')),
      ],
      costs: [
        { cost_date: '2026-06-05', source: 'ads', spend: '5.00', currency: 'EUR', channel: 'Display' },
        { cost_date: '2026-06-06', source: 'ads', spend: '7.00', currency: 'EUR', channel: 'Display' },
      ],
    });
    expect(await company.lines(horizon)).toEqual(['2026-06-05 2026-06-01 2026-06-05 22:00']);
    expect(await company.lines('select order_id from conversions')).toEqual(['o1']);
    expect(await company.lines('select count(*) from persons')).toEqual(['1']);
    expect(await company.lines('select sum(spend) from spend_daily')).toEqual(['5.00']);
    expect(
      await company.lines(
        "select spend from channel_roi where period = 'all_time' and channel = 'Display' and model = 'linear'",
      ),
    ).toEqual(['5.00']);
  });

  test('of a company without any data is yesterday, and every table is there and empty', async () => {
    const company = await build({});
    expect(await company.lines(horizon)).toEqual(['2026-06-30 2026-06-30 2026-06-30 22:00']);
    expect(company.failing).toEqual({ error: [], warn: [] });
    // Periods are of the calendar; all else is of the data.
    for (const table of [...company.published.keys()].filter((name) => name !== 'periods')) {
      expect(`${table} ${await company.lines(`select count(*) from ${table}`)}`).toBe(`${table} 0`);
    }
  });

  test('ends with the summer day of Rome, an hour earlier in UTC than a winter day', async () => {
    const company = await build({
      select: 'horizon',
      now: at('2026-02-01'),
      events: [visit('a', at('2026-01-20', '22:59:59'))],
    });
    expect(await company.lines(horizon)).toEqual(['2026-01-20 2026-01-20 2026-01-20 23:00']);
  });
});
