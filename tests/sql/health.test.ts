import { expect, test } from 'vitest';
import { at, companyBuilder, contact, visit } from './company-on-duckdb.ts';

const build = companyBuilder();

test('source_health counts the last 7 whole days of each source, and what was wrong with it', async () => {
  const company = await build({
    asOf: '2026-06-20',
    config: { sources: { web: {}, desk: { staleAfterHours: 24 }, till: {} } },
    events: [
      // June 14th to 20th are the last seven days; the 13th belongs to the seven before them, the 6th to neither.
      visit('a', at('2026-06-20')),
      visit('a', at('2026-06-20')),
      visit('a', at('2026-06-20'), {}, { updated_at: at('2026-06-21') }),
      visit('a', '2026-06-13T22:00:00Z'),
      visit('a', '2026-06-13T21:59:59Z'),
      visit('a', '2026-06-06T22:00:00Z'),
      visit('a', '2026-06-06T21:59:59Z'),
      visit('bot', at('2026-06-15'), {}, { device: { is_bot: true } }),
      visit('late', at('2026-06-01'), {}, { received_at: at('2026-06-18') }),
      visit('later', at('2026-06-01'), {}, { received_at: at('2026-06-21') }),
      visit('in-time', at('2026-06-12'), {}, { received_at: at('2026-06-19') }),
      contact('b', 'Phone', '2026-06-19T22:00:00Z'),
      contact('b', 'Phone', '2026-06-18T10:00:00Z', { source: 'fair' }),
    ],
    costs: [
      { cost_date: '2026-06-20', source: 'ads', spend: '1.00', currency: 'EUR' },
      { cost_date: '2026-06-13', source: 'ads', spend: '1.00', currency: 'EUR' },
    ],
    rejected: [
      { source: 'web', reason: 'wrong-date', message: 'b', rejected_at: '2026-06-30T10:00:00Z' },
      { source: 'web', reason: 'wrong-date', message: 'a', rejected_at: '2026-06-29T10:00:00Z' },
      { source: 'web', reason: 'no-rate', message: 'c', rejected_at: '2026-06-01T10:00:00Z' },
      { source: 'old', reason: 'no-rate', message: 'd', rejected_at: '2026-06-01T10:00:00Z' },
    ],
  });
  expect(
    await company.lines(
      `select source, date_format(last_event_at, '%m-%d %H:%i') as last, events_7d, events_before_7d, rejected_7d,
         duplicates_7d, late_7d, bots_7d, is_stale from source_health order by source`,
    ),
  ).toEqual([
    'ads 06-20 00:00 1 1 0 0 0 0 false',
    'desk 06-19 22:00 1 0 0 0 0 0 false',
    'fair 06-18 10:00 1 0 0 0 0 0 false',
    'old null 0 0 0 0 0 0 true',
    'till null 0 0 0 0 0 0 true',
    'web 06-20 10:00 5 3 2 2 1 1 false',
  ]);
  expect(
    await company.lines(
      `select source, reason, records, date_format(first_at, '%m-%d'), date_format(last_at, '%m-%d'), sample
       from rejected_records order by 1, 2`,
    ),
  ).toEqual(['old no-rate 1 06-01 06-01 d', 'web no-rate 1 06-01 06-01 c', 'web wrong-date 2 06-29 06-30 a']);
  expect(company.failing).toEqual({ error: [], warn: ['sources_are_fresh'] });
});

test('what was refused long ago is not of the last 7 days, once other records have come in since', async () => {
  const company = await build({
    select: 'source_health',
    events: [visit('a', at('2026-06-20'))],
    rejected: [{ source: 'web', reason: 'wrong-date', message: 'm', rejected_at: '2026-05-01T10:00:00Z' }],
  });
  expect(await company.lines('select source, rejected_7d from source_health')).toEqual(['web 0']);
});

test('a machine is kept and flagged in events, and in no other mart', async () => {
  const company = await build({
    events: [
      visit('bot', at('2026-06-20'), { source: 'google', medium: 'cpc' }, { device: { is_bot: true } }),
      contact('bot', 'Phone', at('2026-06-20'), { device: { is_bot: true } }),
    ],
  });
  expect(await company.lines('select count(*), sum(case when is_bot then 1 else 0 end) from events')).toEqual(['2 2']);
  for (const table of ['persons', 'sessions', 'touches', 'conversions', 'stage_entries', 'identity_links']) {
    expect(`${table} ${await company.lines(`select count(*) from ${table}`)}`).toBe(`${table} 0`);
  }
});
