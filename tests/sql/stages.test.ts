import { beforeAll, describe, expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();
const event = (who: string, event_type: string, occurred_at: string, more: Partial<Arrival> = {}): Arrival => ({
  event_id: `${event_type}-${who}-${occurred_at}`,
  event_type,
  occurred_at,
  source: 'crm',
  identifiers: { anonymous_id: who },
  ...more,
});
const answer = (who: string, score: number, occurred_at: string) =>
  event(who, 'Feedback Given', occurred_at, { properties: { score, kind: 'nps' } });

describe('a stage is entered', () => {
  let company: BuiltCompany;
  /** Stage, day of entry and whether it is inferred, in order, of the person that sent an event. */
  const stages = (who: string) =>
    company.lines(
      `select stage_times.stage, date_format(stage_times.entered_at, '%m-%d'), case when stage_times.is_inferred then 'inferred' else 'own' end
       from stage_times inner join identity_nodes on identity_nodes.identifier = stage_times.person_id
       where stage_times.person_id = (
         select max(person_id) from events where event_id like '%${who}-%' and event_id not like 'x%')
       order by stage_times.stage_no`,
    );
  beforeAll(async () => {
    company = await build({
      now: '2027-12-01T10:00:00Z',
      events: [
        visit('whole', at('2026-01-01')),
        event('whole', 'Form Submitted', at('2026-01-02')),
        order('whole', 'whole-1', at('2026-01-03'), '10.00'),
        order('whole', 'whole-2', at('2026-02-03'), '10.00'),
        order('whole', 'whole-3', at('2026-03-03'), '10.00'),
        // Buys at once.
        visit('rash', at('2026-01-01')),
        order('rash', 'rash-1', at('2026-01-03'), '10.00'),
        // Ordered before anything was known of them, and filled in a form later.
        order('late', 'late-1', at('2026-01-03'), '10.00'),
        event('late', 'Form Submitted', at('2026-01-05')),
        contact('late', 'Phone', at('2026-01-06')),
        // Calls.
        contact('caller', 'Phone', at('2026-01-01')),
        contact('visitor', 'Store', at('2026-01-01')),
        contact('customer', 'Store', at('2026-01-01')),
        order('customer', 'customer-1', at('2026-01-02'), '10.00'),
        contact('customer', 'Phone', at('2026-01-03')),
        // A third order within 365 days of the first of three, to the second.
        ...['2026-01-01', '2026-06-01'].map((day, index) => order('year', `year-${index}`, at(day), '10.00')),
        order('year', 'year-9', at('2027-01-01', '10:00:00'), '10.00'),
        ...['2026-01-01', '2026-06-01'].map((day, index) => order('slow', `slow-${index}`, at(day), '10.00')),
        order('slow', 'slow-9', at('2027-01-01', '10:00:01'), '10.00'),
        order('slow', 'slow-99', at('2027-02-01', '10:00:00'), '10.00'),
        // Promoters.
        answer('fan', 10, at('2026-01-01')),
        order('fan', 'fan-1', at('2026-01-02'), '10.00'),
        answer('fan', 8, at('2026-01-03')),
        answer('fan', 9, at('2026-01-10')),
        answer('guest', 10, at('2026-01-01')),
        visit('guest', at('2026-01-02')),
        // Signs of staying, 30 days after the first order to the second.
        order('user', 'user-1', at('2026-01-02', '10:00:00'), '10.00'),
        event('user', 'Product Used', at('2026-02-01', '09:59:59')),
        event('user', 'Product Used', at('2026-02-01', '10:00:00')),
        order('quick', 'quick-1', at('2026-01-02', '10:00:00'), '10.00'),
        event('quick', 'Product Used', at('2026-02-01', '09:59:59')),
        order('renew', 'renew-1', at('2026-01-02'), '10.00'),
        event('renew', 'Subscription Renewed', at('2026-01-04')),
        // Referrals: one that became a lead, one that did not, one without an id, one before the own first order.
        order('friend', 'friend-1', at('2026-01-02'), '10.00'),
        event('friend', 'Referral Made', at('2026-01-03'), { properties: { referral_id: 'r1' } }),
        event('xreferred', 'Lead Created', at('2026-01-08'), { properties: { referral_id: 'r1' } }),
        order('hopeful', 'hopeful-1', at('2026-01-02'), '10.00'),
        event('hopeful', 'Referral Made', at('2026-01-03'), { properties: { referral_id: 'r2' } }),
        order('plain', 'plain-1', at('2026-01-02'), '10.00'),
        event('plain', 'Referral Made', at('2026-01-03')),
        event('before', 'Referral Made', at('2026-01-01')),
        order('before', 'before-1', at('2026-01-02'), '10.00'),
        // Won by a salesman, and machines that count for nothing.
        event('won', 'Opportunity Won', at('2026-01-02')),
        // Customers by a won opportunity, whose orders are in another system: signs of staying count from it.
        event('b2b', 'Opportunity Won', at('2026-01-02', '10:00:00')),
        event('b2b', 'Product Used', at('2026-02-01', '09:59:59')),
        event('b2b', 'Product Used', at('2026-02-01', '10:00:00')),
        answer('b2b', 9, at('2026-02-03')),
        event('prospect', 'Product Used', at('2026-01-05')),
        event('prospect', 'Opportunity Won', at('2026-02-10')),
        event('robot', 'Form Submitted', at('2026-01-02'), { device: { is_bot: true } }),
        visit('robot', at('2026-01-01')),
      ],
    });
  }, 60_000);

  test('by its own trigger, one after the other', async () => {
    expect(await stages('whole')).toEqual([
      'awareness 01-01 own',
      'acquisition 01-02 own',
      'conversion 01-03 own',
      'retention 02-03 own',
      'loyalty 03-03 own',
    ]);
  });

  test('by a later one where it is skipped, and where its own trigger comes too late', async () => {
    expect(await stages('rash')).toEqual(['awareness 01-01 own', 'acquisition 01-03 inferred', 'conversion 01-03 own']);
    expect(await stages('late')).toEqual([
      'awareness 01-03 inferred',
      'acquisition 01-03 inferred',
      'conversion 01-03 own',
    ]);
  });

  test('as a customer by a won opportunity, from which signs of staying count where there is no order', async () => {
    const of = async (who: string) =>
      (await stages(who)).filter((line) => /^(conversion|retention|loyalty)/.test(line));
    expect(await of('b2b')).toEqual(['conversion 01-02 own', 'retention 02-01 own', 'loyalty 02-03 own']);
    expect(await of('prospect')).toEqual(['conversion 02-10 own']);
  });

  test('by a call as a lead, from who has not ordered yet, and by no other contact', async () => {
    expect(await stages('caller')).toEqual(['awareness 01-01 own', 'acquisition 01-01 own']);
    expect(await stages('visitor')).toEqual(['awareness 01-01 own']);
    expect(await stages('customer')).toEqual([
      'awareness 01-01 own',
      'acquisition 01-02 inferred',
      'conversion 01-02 own',
    ]);
  });

  test('by a third order within 365 days, both ends included, of any three in a row', async () => {
    expect((await stages('year')).at(-1)).toBe('loyalty 01-01 own');
    expect((await stages('slow')).at(-1)).toBe('loyalty 02-01 own');
  });

  test("by a promoter's answer only after an order", async () => {
    expect((await stages('fan')).slice(2)).toEqual([
      'conversion 01-02 own',
      'retention 01-10 inferred',
      'loyalty 01-10 own',
    ]);
    expect(await stages('guest')).toEqual(['awareness 01-02 own']);
  });

  test('by use of the product 30 days or more after the first order, by a renewal at once', async () => {
    expect((await stages('user')).at(-1)).toBe('retention 02-01 own');
    expect((await stages('quick')).at(-1)).toBe('conversion 01-02 own');
    expect((await stages('renew')).at(-1)).toBe('retention 01-04 own');
  });

  test('by a referral once a lead carries its id, or at once where it has none', async () => {
    expect((await stages('friend')).at(-1)).toBe('loyalty 01-08 own');
    expect((await stages('hopeful')).at(-1)).toBe('conversion 01-02 own');
    expect((await stages('plain')).at(-1)).toBe('loyalty 01-03 own');
    expect((await stages('before')).at(-1)).toBe('conversion 01-02 own');
  });

  test('by an opportunity that was won, and by no machine', async () => {
    expect((await stages('won')).at(-1)).toBe('conversion 01-02 own');
    expect(await stages('robot')).toEqual(['awareness 01-01 own']);
  });

  test('in order, and the touch stands in the highest one entered strictly before it', async () => {
    expect(company.failing.error).toEqual([]);
    const other = await build({
      select: 'touches',
      events: [
        contact('t', 'A', at('2026-01-01')),
        contact('t', 'Phone', at('2026-01-02')),
        contact('t', 'B', at('2026-01-03')),
        order('t', 'o', at('2026-01-04'), '1.00'),
        contact('t', 'C', at('2026-01-04')),
        contact('t', 'D', at('2026-01-05')),
      ],
    });
    expect(await other.lines('select channel, stage from touches order by occurred_at, channel')).toEqual([
      'A awareness',
      'Phone awareness',
      'B acquisition',
      'C acquisition',
      'D conversion',
    ]);
  });
});

describe('stage conversion and survival', () => {
  // Ten persons become aware on January 1st at 10:00; leads after these many days; all are followed to the end of March.
  const days = [1, 1, 2, 5, 40];
  let company: BuiltCompany;
  beforeAll(async () => {
    const later = (days: number) => new Date(Date.parse(at('2026-01-01')) + days * 86_400_000).toISOString();
    company = await build({
      asOf: '2026-03-31',
      events: [
        ...Array.from({ length: 10 }, (_, index) => contact(`p${index}`, 'A', at('2026-01-01'))),
        ...days.map((day, index) => event(`p${index}`, 'Form Submitted', later(day))),
        // Aware on March 2nd, 30 days before the end; a month that has not had its 7 days.
        contact('young', 'A', at('2026-03-02')),
        // Skips the stage acquisition.
        contact('rash', 'B', at('2026-01-05')),
        order('rash', 'rash-1', at('2026-01-20'), '1.00'),
      ],
    });
  }, 60_000);
  const conversion = (where: string) =>
    company.lines(
      `select entered, skipped, advanced_7d, advanced_30d, advanced_90d, advanced, undecided, p25_days, median_days, p75_days
       from stage_conversion where device_class = '(all)' and ${where}`,
    );

  test('count windows as passed only where the whole month has had them', async () => {
    // End of January + 59 days is the end of March: 90 have not passed.
    expect(await conversion("stage = 'awareness' and channel = 'A' and cohort_month = '2026-01'")).toEqual([
      '10 0 4 4 null 5 5 2 40 null',
    ]);
    expect(await conversion("stage = 'awareness' and channel = 'A' and cohort_month = '2026-03'")).toEqual([
      '1 0 null null null 0 1 null null null',
    ]);
  });

  test('count a window as passed on the day on which it has, and not the day before', async () => {
    const sql = `select advanced_7d, advanced_30d, advanced_90d from stage_conversion
      where stage = 'awareness' and channel = 'A' and device_class = '(all)' and cohort_month = '2026-01'`;
    const events = [contact('p', 'A', at('2026-01-01')), event('p', 'Form Submitted', at('2026-01-31', '10:00:00'))];
    // January 31st and 30 days are March 2nd. Thirty days to the second are within 30 days.
    expect(await (await build({ select: 'stage_conversion', events, asOf: '2026-03-02' })).lines(sql)).toEqual([
      '0 1 null',
    ]);
    expect(await (await build({ select: 'stage_conversion', events, asOf: '2026-03-01' })).lines(sql)).toEqual([
      '0 null null',
    ]);
  });

  test('leave windows empty over all months', async () => {
    expect(await conversion("stage = 'awareness' and channel = 'A' and cohort_month = '(all)'")).toEqual([
      '11 0 null null null 5 6 2 null null',
    ]);
  });

  test('count who skipped the stage apart', async () => {
    expect(await conversion("stage = 'acquisition' and channel = 'B' and cohort_month = '(all)'")).toEqual([
      '0 1 null null null 0 0 null null null',
    ]);
    expect(await conversion("stage = 'awareness' and channel = 'B' and cohort_month = '2026-01'")).toEqual([
      '1 0 0 1 null 1 0 15 15 15',
    ]);
  });

  test('have a row for (all) of each cut', async () => {
    expect(
      await company.lines(
        `select channel, device_class, cohort_month, entered from stage_conversion where stage = 'awareness'
         and device_class in ('(all)', 'other') and cohort_month in ('(all)', '2026-01') order by 1, 2, 3`,
      ),
    ).toEqual([
      '(all) (all) (all) 12',
      '(all) (all) 2026-01 11',
      '(all) other (all) 12',
      '(all) other 2026-01 11',
      'A (all) (all) 11',
      'A (all) 2026-01 10',
      'A other (all) 11',
      'A other 2026-01 10',
      'B (all) (all) 1',
      'B (all) 2026-01 1',
      'B other (all) 1',
      'B other 2026-01 1',
    ]);
  });

  test('follow Kaplan and Meier, with a log(-log) interval of Greenwood, worked out by hand', async () => {
    const rows = await company.query(
      `select day, at_risk, advanced, censored, share_advanced, share_low, share_high from stage_survival
       where stage = 'awareness' and channel = 'A' and device_class = '(all)' and cohort_month = '(all)' order by day`,
    );
    // The young one is censored on day 29 (29.5 days followed), five others on day 89.
    expect(rows.map((row) => [row.day, row.at_risk, row.advanced, row.censored].map(Number))).toEqual([
      [1, 11, 2, 0],
      [2, 9, 1, 0],
      [5, 8, 1, 0],
      [29, 7, 0, 1],
      [40, 6, 1, 0],
      [89, 5, 0, 5],
    ]);
    const survival = [9 / 11, 8 / 11, 7 / 11, 7 / 11, (7 / 11) * (5 / 6), (7 / 11) * (5 / 6)];
    for (const [index, row] of rows.entries())
      expect(Number(row.share_advanced)).toBeCloseTo(1 - (survival[index] ?? 0), 12);
    // Day 1: variance term 2 / (11 * 9); ln S = ln(9/11) = -0.2006706955; 1.644853626951 * sqrt(0.0202020202) / 0.2006706955
    // = 1.1650240; 1 - S^exp(-1.1650240) and 1 - S^exp(1.1650240).
    expect(Number(rows[0]?.share_low)).toBeCloseTo(0.0607, 3);
    expect(Number(rows[0]?.share_high)).toBeCloseTo(0.4745, 3);
  });

  test('have an interval without width where nobody, or everybody, has advanced', async () => {
    expect(
      await company.lines(
        `select day, share_advanced, share_low, share_high from stage_survival
         where stage = 'awareness' and channel = 'B' and device_class = '(all)' and cohort_month = '(all)'`,
      ),
    ).toEqual(['15 1 1 1']);
    expect(
      await company.lines(
        `select day, share_advanced, share_low, share_high from stage_survival
         where stage = 'awareness' and channel = 'A' and device_class = '(all)' and cohort_month = '2026-03'`,
      ),
    ).toEqual(['29 0 0 0']);
  });
});

describe('the state of a customer', () => {
  test('is active, at risk, lapsed or won back, by their own pace', async () => {
    const company = await build({
      select: 'persons,events',
      asOf: '2026-12-31',
      now: '2027-01-10T10:00:00Z',
      config: { customers: { atRiskDays: 20 } },
      events: [
        // The end of the last whole day is 23:00 UTC of December 31st. One order: at risk after 20 days, lapsed after 40.
        order('one-active', 'a1', '2026-12-11T23:00:00Z', '1.00'),
        order('one-risk', 'b1', '2026-12-11T22:59:59Z', '1.00'),
        order('one-lapsed', 'c1', '2026-11-21T22:59:59Z', '1.00'),
        // An e-mail that came back is a sign, one that was opened is none.
        order('sign', 'd1', at('2026-09-01'), '1.00'),
        event('sign', 'Email Clicked', at('2026-12-20')),
        order('opened', 'e1', at('2026-09-01'), '1.00'),
        event('opened', 'Email Opened', at('2026-12-20')),
        // Every 100 days: at risk after 150.
        order('pace', 'f1', at('2026-04-01'), '1.00'),
        order('pace', 'f2', '2026-07-10T10:00:00Z', '1.00'),
        order('slower', 'g1', at('2026-03-23'), '1.00'),
        order('slower', 'g2', at('2026-11-30'), '1.00'),
        // A gap of less than twice the 20 days was no lapse.
        order('back', 'h1', at('2026-11-20'), '1.00'),
        order('back', 'h2', at('2026-12-25'), '1.00'),
        // Two orders of one day say nothing of a pace.
        order('pair', 'i1', at('2026-12-20'), '1.00'),
        order('pair', 'i2', at('2026-12-20', '10:00:01'), '1.00'),
        visit('nobody', at('2026-12-30')),
      ],
    });
    const states = await company.query(
      `select min(events.event_id) as event_id, persons.state from persons
       inner join events on events.person_id = persons.person_id group by persons.person_id, persons.state`,
    );
    expect(Object.fromEntries(states.map((row) => [String(row.event_id), row.state]))).toEqual({
      'order-a1': 'active',
      'order-b1': 'at risk',
      'order-c1': 'lapsed',
      'Email Clicked-sign-2026-12-20T10:00:00Z': 'active',
      'Email Opened-opened-2026-12-20T10:00:00Z': 'lapsed',
      'order-f1': 'at risk',
      'order-g1': 'won back',
      'order-h1': 'active',
      'order-i1': 'active',
      'visit-nobody-2026-12-30T10:00:00Z-': null,
    });
  });
});

describe('a customer, and one who is none,', () => {
  let company: BuiltCompany;
  const stages = (who: string) =>
    company.lines(
      `select stage, date_format(entered_at at time zone 'Europe/Rome', '%m-%d'), case when is_inferred then 'inferred' else 'own' end
       from stage_times where person_id = (select max(person_id) from person_events where event_key like '%-${who}-%')
       order by stage_no`,
    );
  const known = (who: string, customer_since: string): Arrival => ({
    ...event(who, 'Identify', at('2026-03-01')),
    stored: { customer_since },
  });
  const told = (who: string, referral_id: string, more: Partial<Arrival> = {}) =>
    event(who, 'Form Submitted', at('2026-02-20'), { ...more, stored: { referral_id } });
  const refers = (who: string, referral_id: string, day: string) =>
    event(who, 'Referral Made', at(day), { stored: { referral_id } });
  beforeAll(async () => {
    company = await build({
      now: '2026-12-01T10:00:00Z',
      config: {
        stages: { retention: [{ event: 'Product Used' }], loyalty: [{ event: 'Feedback Given', minScore: 9 }] },
      },
      events: [
        visit('first', at('2026-01-01')),
        // Known to the CRM from before the data: calls, and orders.
        known('old', '2020-05-05'),
        contact('old', 'Phone', at('2026-01-20')),
        order('old', 'o-old-1', at('2026-01-21'), '10.00'),
        // Since a day within the data, and known only by the CRM.
        known('since', '2026-02-10'),
        contact('since', 'Phone', at('2026-02-09')),
        contact('since', 'Phone', at('2026-02-11')),
        // Nobody saw them do anything.
        known('silent', '2021-01-01'),
        // A customer by a won opportunity calls.
        event('won', 'Opportunity Won', at('2026-01-10')),
        contact('won', 'Phone', at('2026-01-20')),
        // Use and praise of who never ordered.
        event('guest', 'Product Used', at('2026-01-10')),
        answer('guest', 10, at('2026-01-11')),
        // A scale of its own.
        order('content', 'o-content-1', at('2026-01-10'), '10.00'),
        event('content', 'Feedback Given', at('2026-01-11'), { properties: { score: 40, kind: 'csat' } }),
        order('fond', 'o-fond-1', at('2026-01-10'), '10.00'),
        answer('fond', 9, at('2026-01-11')),
        // Referrals: of oneself, by what is no lead, and by a lead.
        ...['self', 'vain', 'good'].flatMap((who) => [
          order(who, `o-${who}-1`, at('2026-01-10'), '10.00'),
          refers(who, `R-${who}`, '2026-01-15'),
        ]),
        told('self', 'R-self'),
        { ...contact('friend', 'Store', at('2026-02-20')), stored: { referral_id: 'R-vain' } },
        told('lead', 'R-good'),
      ],
    });
  });

  test('known to the CRM is one since then, of which we have seen nothing: no lead, no new customer', async () => {
    expect(await stages('old')).toEqual([
      'awareness 01-01 inferred',
      'acquisition 01-01 inferred',
      'conversion 01-01 inferred',
      'retention 01-21 own',
    ]);
    expect(await stages('since')).toEqual([
      'awareness 02-09 own',
      'acquisition 02-09 own',
      'conversion 02-10 inferred',
    ]);
    expect(await stages('silent')).toEqual([]);
    expect(
      await company.lines("select conversion_id from conversions where conversion_type = 'lead' order by 1"),
    ).toHaveLength(3);
    expect(
      await company.lines(
        "select sum(entered) from stage_conversion where stage = 'conversion' and channel = '(all)' and device_class = '(all)' and cohort_month = '(all)'",
      ),
    ).toEqual(['6']);
  });

  test('by a won opportunity is no lead any more', async () => {
    expect(await stages('won')).toEqual([
      'awareness 01-10 inferred',
      'acquisition 01-10 inferred',
      'conversion 01-10 own',
    ]);
  });

  test('is not yet one who uses or praises', async () => {
    expect(await stages('guest')).toEqual([]);
  });

  test('is a promoter on the scale of promoters alone', async () => {
    expect((await stages('content')).map((line) => line.split(' ')[0])).toEqual([
      'awareness',
      'acquisition',
      'conversion',
    ]);
    expect(await stages('fond')).toContain('loyalty 01-11 own');
  });

  test('refers somebody else, who is a lead', async () => {
    expect((await stages('good')).at(-1)).toBe('loyalty 02-20 own');
    for (const who of ['self', 'vain']) expect(await stages(who)).not.toContain('loyalty 02-20 own');
    expect(await company.lines('select month, referrals, leads from referral_results')).toEqual(['2026-01 3 1']);
  });
});
