import { beforeAll, describe, expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, visit } from './company-on-duckdb.ts';

const build = companyBuilder();
const google = { source: 'google', medium: 'cpc' };
const meta = { source: 'facebook', medium: 'paid_social' };
const day = '2026-06-01';

describe('a session', () => {
  let company: BuiltCompany;
  /** Start, end, source, views and bounce of each session of a visitor. */
  const sessions = (who: string) =>
    company.lines(
      `select date_format(started_at, '%H:%i:%s'), date_format(ended_at, '%H:%i:%s'), source, events, is_bounce
       from sessions where session_id like 'web/visit-${who}-%' order by started_at, session_id`,
    );
  beforeAll(async () => {
    const login = (who: string, user_id: string): Partial<Arrival> => ({ identifiers: { anonymous_id: who, user_id } });
    company = await build({
      config: { web: { ownDomains: ['esempio.it'] } },
      events: [
        visit('gap', at(day, '10:00:00.1'), google),
        visit('gap', at(day, '10:30:00.1')),
        visit('gap', at(day, '11:00:01.1')),
        visit('cut', at(day, '10:00:00'), google),
        visit('cut', at(day, '10:05:00')),
        visit('cut', at(day, '10:06:00'), { ...google, campaign: 'another' }),
        visit('cut', at(day, '10:10:00'), meta),
        visit('cut', at(day, '10:15:00')),
        visit('cut', at(day, '10:20:00'), google),
        visit('undeclared', at(day, '10:00:00')),
        visit('undeclared', at(day, '10:05:00'), google),
        visit('own', at(day, '10:00:00'), google),
        visit('own', at(day, '10:05:00'), { referrer: 'https://shop.esempio.it/cart' }),
        visit('own', at(day, '10:10:00'), { referrer: 'https://www.paypal.com/' }),
        visit('own', at(day, '10:15:00'), { source: '(direct)', medium: '(none)' }),
        visit('own', at(day, '10:16:00')),
        visit('foreign', at(day, '10:00:00'), google),
        visit('foreign', at(day, '10:05:00'), { referrer: 'https://blog.example.org/' }),
        // One person on two devices at once.
        visit('phone', at(day, '10:00:00'), google, login('phone', 'u1')),
        visit('laptop', at(day, '10:01:00'), meta, login('laptop', 'u1')),
        visit('phone', at(day, '10:02:00')),
        visit('laptop', at(day, '10:03:00')),
        // Other events neither open, extend nor cut.
        visit('other', at(day, '10:00:00'), google),
        { ...visit('other', at(day, '10:20:00'), meta), event_type: 'Form Submitted', event_id: 'form' },
        visit('other', at(day, '10:40:00')),
        { ...visit('none', at(day, '10:00:00'), google), event_type: 'Form Submitted', event_id: 'alone' },
        { ...visit('screen', at(day, '10:00:00')), event_type: 'Screen Viewed' },
        // Two pages in one instant.
        visit('instant', at(day, '10:00:00'), google, { event_id: 'visit-instant-b' }),
        visit('instant', at(day, '10:00:00'), {}, { event_id: 'visit-instant-c' }),
        // A machine.
        visit('robot', at(day, '10:00:00'), google, { device: { is_bot: true } }),
        // Midnight is no end: 21:50 to 22:10 UTC is midnight in Rome.
        visit('midnight', at(day, '21:50:00'), google),
        visit('midnight', at(day, '22:10:00')),
        visit('late', at('2026-06-03')),
      ],
    });
  }, 60_000);

  test('lasts through a pause of exactly 30 minutes, and ends by one second more', async () => {
    expect(await sessions('gap')).toEqual(['10:00:00 10:30:00 google 2 false', '11:00:01 11:00:01 (direct) 1 true']);
  });

  test('is cut by another declared source, not by another campaign of the same one', async () => {
    expect(await sessions('cut')).toEqual([
      '10:00:00 10:06:00 google 3 false',
      '10:10:00 10:15:00 facebook 2 false',
      '10:20:00 10:20:00 google 1 true',
    ]);
  });

  test('that began undeclared is cut by a declared source', async () => {
    expect(await sessions('undeclared')).toEqual([
      '10:00:00 10:00:00 (direct) 1 true',
      '10:05:00 10:05:00 google 1 true',
    ]);
  });

  test('is not cut by own pages, payment providers or what declares nothing', async () => {
    expect(await sessions('own')).toEqual(['10:00:00 10:16:00 google 5 false']);
  });

  test('is cut by a foreign referrer', async () => {
    expect(await sessions('foreign')).toEqual([
      '10:00:00 10:00:00 google 1 true',
      '10:05:00 10:05:00 blog.example.org 1 true',
    ]);
  });

  test('belongs to one device: two devices at once are two sessions of one person', async () => {
    expect(await sessions('phone')).toEqual(['10:00:00 10:02:00 google 2 false']);
    expect(await sessions('laptop')).toEqual(['10:01:00 10:03:00 facebook 2 false']);
    expect(
      await company.lines(
        "select count(distinct person_id) from sessions where session_id like '%-phone-%' or session_id like '%-laptop-%'",
      ),
    ).toEqual(['1']);
  });

  test('is not opened, extended or cut by other events than views', async () => {
    expect(await sessions('other')).toEqual(['10:00:00 10:00:00 google 1 true', '10:40:00 10:40:00 (direct) 1 true']);
    expect(await sessions('none')).toEqual([]);
    expect(await sessions('screen')).toEqual(['10:00:00 10:00:00 (direct) 1 true']);
  });

  test('orders two views of one instant by their ids', async () => {
    expect(await sessions('instant')).toEqual(['10:00:00 10:00:00 google 2 false']);
  });

  test('of a machine is none, and goes through midnight of the reporting day', async () => {
    expect(await sessions('robot')).toEqual([]);
    expect(await sessions('midnight')).toEqual(['21:50:00 22:10:00 google 2 false']);
  });

  test('is one touch, at its start', async () => {
    expect(
      await company.lines(
        "select touch_type, channel, date_format(occurred_at, '%H:%i') from touches where touch_id like 'web/visit-cut-%' order by occurred_at",
      ),
    ).toEqual(['session Paid Search 10:00', 'session Paid Social 10:10', 'session Paid Search 10:20']);
  });
});

describe('a contact', () => {
  let company: BuiltCompany;
  const touches = (who: string) =>
    company.lines(
      `select touch_type, channel, device_class, date_format(occurred_at, '%H:%i:%s') from touches
       where touch_id like '%-${who}-%' order by occurred_at`,
    );
  const click = (who: string, time: string): Arrival => ({
    ...contact(who, 'x', at(day, time)),
    event_type: 'Email Clicked',
    touch: {},
  });
  const newsletter = { source: 'newsletter', medium: 'email' };
  beforeAll(async () => {
    company = await build({
      events: [
        // A click leads to a session of the same channel.
        click('near', '09:59:50'),
        visit('near', at(day, '10:00:00'), newsletter),
        visit('near', at(day, '10:20:00')),
        click('near', '10:50:00'),
        click('far', '09:29:59'),
        visit('far', at(day, '10:00:00'), newsletter),
        visit('far', at(day, '10:20:00')),
        click('far', '10:50:01'),
        click('edge', '09:30:00'),
        visit('edge', at(day, '10:00:00'), newsletter),
        // A call within a session of another channel is a touch.
        visit('called', at(day, '10:00:00'), newsletter),
        contact('called', 'Phone', at(day, '10:05:00')),
        // Two calls are two touches.
        contact('calls', 'Phone', at(day, '10:00:00')),
        contact('calls', 'Phone', at(day, '10:05:00')),
        // Exposures are none.
        { ...click('sent', '10:00:00'), event_type: 'Email Sent', event_id: 'e1-sent-1' },
        { ...click('sent', '10:01:00'), event_type: 'Email Opened', event_id: 'e2-sent-2' },
        { ...click('sent', '10:02:00'), event_type: 'Ad Viewed', event_id: 'e3-sent-3' },
        contact('robot', 'Phone', at(day), { device: { is_bot: true } }),
        { ...contact('plain', 'x', at(day)), touch: {} },
      ],
    });
  }, 60_000);

  test('within the gap of a session of the same person and channel is that session, no second touch', async () => {
    expect(await touches('near')).toEqual(['session Email other 10:00:00']);
    expect(await touches('edge')).toEqual(['session Email other 10:00:00']);
  });

  test('one second outside the gap is a touch of its own', async () => {
    expect(await touches('far')).toEqual([
      'email_click Email other 09:29:59',
      'session Email other 10:00:00',
      'email_click Email other 10:50:01',
    ]);
  });

  test('on another channel than the session is a touch, offline ones on no device', async () => {
    expect(await touches('called')).toEqual(['session Email other 10:00:00', 'contact Phone offline 10:05:00']);
  });

  test('twice is two touches', async () => {
    expect(await touches('calls')).toEqual(['contact Phone offline 10:00:00', 'contact Phone offline 10:05:00']);
  });

  test('that says nothing of its channel is Unassigned', async () => {
    expect(await company.lines("select channel from touches where touch_id like '%-plain-%'")).toEqual(['Unassigned']);
  });

  test('is neither an e-mail sent or opened, nor an ad seen, nor a machine', async () => {
    expect(await touches('sent')).toEqual([]);
    expect(await touches('robot')).toEqual([]);
  });
});
