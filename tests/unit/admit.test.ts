import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configSchema } from '#core/config';
import type { StoredEvent } from '#core/event';
import { createRateCheck } from '#core/fx-rates';
import { createIdentifiers } from '#core/identifiers';
import { createReportingDay } from '#core/reporting-day';
import { type AdmitContext, createAdmitter, referrerHost } from '#pipeline/arrivals/admit';

const identifierKey = Buffer.alloc(32, 7);
const identifiers = createIdentifiers(identifierKey, 'IT');
const config = configSchema.parse({ name: 'Test' });
const context: AdmitContext = {
  config,
  identifierKey,
  trust: 'server',
  receivedAt: new Date('2026-01-10T12:00:00Z'),
  hasRate: createRateCheck('EUR', [{ rate_date: '2026-01-02', currency: 'USD', rate: '0.9' }]),
};
const door = createAdmitter(context);
const plain = {
  event_id: 'e1',
  event_type: 'Page Viewed',
  occurred_at: '2026-01-05T10:00:00+01:00',
  source: 'shop',
  identifiers: { anonymous_id: 'a1' },
};

function admitted(input: unknown, by = door): StoredEvent {
  const answer = by.event(input);
  if (!answer.ok) throw new Error(`${answer.reason}: ${answer.message}`);
  return answer.value;
}
function refused(input: unknown, by = door) {
  const answer = by.event(input);
  if (answer.ok) throw new Error('it was admitted');
  return answer;
}

describe('an admitted event', () => {
  it('has its times in UTC and only what is known', () => {
    expect(admitted(plain)).toEqual({
      source: 'shop',
      event_id: 'e1',
      event_type: 'Page Viewed',
      occurred_at: '2026-01-05T09:00:00.000Z',
      received_at: '2026-01-10T12:00:00.000Z',
      trust: 'server',
      keys: { anonymous_id: identifiers.hash('anonymous_id', 'a1') },
      identifiers: { anonymous_id: 'a1' },
      schema_version: 1,
    });
  });

  it('keeps money as decimal text, exactly, and in the reporting currency where none is named', () => {
    const value = (revenue: unknown) => admitted({ ...plain, value: { revenue } }).value;
    expect(value('120.10')).toEqual({ revenue: '120.10', currency: 'EUR' });
    expect(value(42.5)).toEqual({ revenue: '42.5', currency: 'EUR' });
    expect(value(1e-7)).toEqual({ revenue: '0.0000001', currency: 'EUR' });
    expect(value(0.1 + 0.2)).toEqual({ revenue: '0.30000000000000004', currency: 'EUR' });
    expect(value(-5)).toEqual({ revenue: '-5', currency: 'EUR' });
  });

  it('keeps unknown fields in properties, of the top and of groups, and no IP address', () => {
    const event = admitted({
      ...plain,
      ip: '10.1.2.3',
      coupon: 'X',
      device: { ip: '10.1.2.3', class: 'tv', screen: 5 },
      properties: { a: 1, ip_address: '10.1.2.3' },
    });
    expect(JSON.parse(event.properties ?? '')).toEqual({ a: 1, coupon: 'X', 'device.screen': 5 });
    expect(event.device).toEqual({ class: 'tv' });
    expect(JSON.stringify(event)).not.toContain('10.1.2.3');
  });

  it('reads source, campaign and click identifier from the landing page where the touch names none', () => {
    const landing_page = 'https://x.it/?utm_source=Google&utm_medium=cpc&utm_campaign=Sale%20%26%20more&gclid=1#top';
    expect(admitted({ ...plain, touch: { landing_page } }).touch).toEqual({
      landing_page,
      source: 'Google',
      medium: 'cpc',
      campaign: 'Sale & more',
      click_id_kind: 'gclid',
    });
    expect(admitted({ ...plain, touch: { landing_page, source: 'google' } }).touch?.medium).toBe('cpc');
    expect(admitted({ ...plain, touch: { landing_page, source: 'newsletter' } }).touch?.medium).toBeUndefined();
    expect(admitted({ ...plain, touch: { landing_page: '/p?fbclid=1&utm_id=7' } }).touch).toEqual({
      landing_page: '/p?fbclid=1&utm_id=7',
      campaign_id: '7',
      click_id_kind: 'fbclid',
    });
  });

  it('knows device, system, browser and bots by the user agent, which is not kept', () => {
    const phone =
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1';
    const event = admitted({ ...plain, device: { user_agent: phone } });
    expect(event.device).toEqual({ class: 'mobile', os: 'iOS', browser: 'Safari' });
    expect(event.is_bot).toBe(false);
    expect(JSON.stringify(event)).not.toContain('AppleWebKit');
    const bot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
    expect(admitted({ ...plain, device: { user_agent: bot } }).is_bot).toBe(true);
  });

  it('lifts the day since when a person is a customer out of the properties', () => {
    const since = (customer_since: unknown) => admitted({ ...plain, properties: { customer_since } });
    expect(since('2019-05-01')).toMatchObject({ customer_since: '2019-05-01' });
    expect(since('2019-05-01T10:00:00Z')).toMatchObject({ customer_since: '2019-05-01' });
    expect(since('01/05/2019').customer_since).toBeUndefined();
    expect(since('01/05/2019').properties).toContain('01/05/2019');
  });

  it('lifts score and referral out of the properties', () => {
    const event = admitted({ ...plain, properties: { score: '9', referral_id: 'r1', kind: 'nps' } });
    expect(event).toMatchObject({ score: 9, referral_id: 'r1', properties: '{"kind":"nps"}' });
    expect(admitted({ ...plain, properties: { score: 'high' } })).toMatchObject({ properties: '{"score":"high"}' });
  });

  it('keeps order lines in the properties', () => {
    const event = admitted({ ...plain, value: { order_id: 8841, lines: [{ sku: 5, quantity: 2, price: '60.00' }] } });
    expect(event.value).toEqual({ order_id: '8841' });
    expect(JSON.parse(event.properties ?? '')).toEqual({ lines: [{ sku: '5', quantity: 2, price: '60.00' }] });
  });

  it('without an id gets one of what it holds, and of its ordinal in its file', () => {
    const { event_id: _, ...without } = plain;
    const id = (input: object) => admitted(input).event_id;
    expect(id(without)).toBe(id({ ...without }));
    expect(id(without)).not.toBe(id({ ...without, place: { country: 'IT' } }));
    const later = createAdmitter({ ...context, receivedAt: new Date('2026-01-11T12:00:00Z') });
    expect(admitted(without, later).event_id).toBe(id(without));

    const file = () => {
      return [without, without].map((event, index) => {
        const answer = door.event(event, (contentHash) => `${contentHash}-${index + 1}`);
        return answer.ok ? answer.value.event_id : '';
      });
    };
    expect(file()).toEqual(file());
    expect(new Set(file()).size).toBe(2);
  });
});

describe('personal data', () => {
  it('is nowhere in what is stored, wherever it stood', () => {
    const event = admitted({
      ...plain,
      event_id: 'open-mario@example.com-1',
      identifiers: { user_id: 'Mario@Example.com', crm_id: '+39 333 1234567', email: 'other@example.com' },
      touch: { landing_page: 'https://x.it/?mail=mario%40example.com', term: 'mario@example.com' },
      value: { order_id: 'mario@example.com/1' },
      properties: { note: 'write to mario@example.com', deep: [{ telefono: '333 1234567' }] },
    });
    const text = JSON.stringify(event);
    expect(text).not.toMatch(/mario|example\.com|@|1234567/i);
    // The address given as a user_id is not lost: its place was taken, so it is kept as a hash of a name.
    expect(event.keys.email).toBe(identifiers.hash('email', 'other@example.com'));
    expect(event.keys.user_id).toBe(identifiers.hash('user_id', 'mario@example.com'));
    expect(event.keys.phone).toBe(identifiers.hash('phone', '+393331234567'));
    expect(event.identifiers).toBeUndefined();
  });

  it('makes an e-mail address given as a user_id the e-mail address', () => {
    const { keys } = admitted({ ...plain, identifiers: { user_id: ' Mario@Example.com' } });
    expect(keys).toEqual({ email: identifiers.hash('email', 'mario@example.com') });
  });

  it('takes what stands for nobody as no identifier, and keeps the order of a guest', () => {
    const of = (identifiers: object, event_type = 'Page Viewed') => ({ ...plain, event_type, identifiers });
    for (const nobody of ['guest', 'Guest', 0, 'NULL', 'undefined', 'anonymous', ' test ']) {
      const event = admitted(of({ user_id: nobody, crm_id: nobody, loyalty_card: nobody, anonymous_id: 'a1' }));
      expect([Object.keys(event.keys), event.identifiers]).toEqual([['anonymous_id'], { anonymous_id: 'a1' }]);
    }
    expect(door.event(of({ user_id: 'guest' }))).toMatchObject({ ok: false, reason: 'wrong-identifier' });
    expect(admitted(of({ user_id: 'guest' }, 'Order Completed')).keys).toEqual({});
    const own = createAdmitter({
      ...context,
      config: configSchema.parse({ name: 'x', identity: { placeholders: ['Ospite'] } }),
    });
    expect(admitted(of({ user_id: 'ospite', anonymous_id: 'a' }), own).keys).not.toHaveProperty('user_id');
    expect(admitted(of({ user_id: 'guest' }), own).keys).toHaveProperty('user_id');
  });

  it('without consent leaves no identifier, click identifier or trait, but counts', () => {
    const event = admitted({
      ...plain,
      identifiers: { anonymous_id: 'a1', user_id: 'u1' },
      consent: { analytics: false },
      touch: { landing_page: 'https://x.it/p?utm_source=google&gclid=123', referrer: 'https://google.com/?q=me' },
      properties: { traits: { name: 'Mario' }, referral_id: 'r' },
    });
    expect(event.keys).toEqual({});
    expect(event.identifiers).toBeUndefined();
    expect(event.properties).toBeUndefined();
    expect(event.touch).toEqual({
      landing_page: 'https://x.it/p',
      referrer: 'https://google.com/',
      referrer_host: 'google.com',
      source: 'google',
      click_id_kind: 'gclid',
    });
  });

  it('without consent stays on what a contract needs', () => {
    const order = { ...plain, event_type: 'Order Completed', consent: { analytics: false } };
    expect(admitted(order).keys).toHaveProperty('anonymous_id');
  });

  it('without consent keeps the keys of the event that withdraws it, and nothing else of the person', () => {
    const event = admitted({
      ...plain,
      event_type: 'Consent Changed',
      identifiers: { anonymous_id: 'a1', user_id: 'u1' },
      consent: { analytics: false },
      properties: { traits: { name: 'Mario' } },
    });
    expect(Object.keys(event.keys).sort()).toEqual(['anonymous_id', 'user_id']);
    expect([event.identifiers, event.properties]).toEqual([undefined, undefined]);
  });
});

describe('a browser', () => {
  const browser = createAdmitter({ ...context, trust: 'browser' });

  it('may say who is logged in on its cookie, and ties nothing else together', () => {
    const identity = {
      anonymous_id: 'a1',
      user_id: 'u1',
      crm_id: 'c1',
      loyalty_card: 'l1',
      email: 'a@b.it',
      phone: '333 1234567',
    };
    const event = admitted({ ...plain, identifiers: identity }, browser);
    expect(Object.keys(event.keys).sort()).toEqual(['anonymous_id', 'user_id']);
    expect(event.identifiers).toEqual({ anonymous_id: 'a1', user_id: 'u1' });
    expect(event.trust).toBe('browser');
  });

  it('is told that an event with an address alone names nobody', () => {
    expect(refused({ ...plain, identifiers: { user_id: 'a@b.it' } }, browser)).toMatchObject({
      reason: 'wrong-identifier',
      column: 'identifiers',
    });
  });
});

describe('a refused event', () => {
  it.each([
    ['no event type', { event_type: undefined }, 'missing-field', 'event_type'],
    ['an empty event type', { event_type: '' }, 'missing-field', 'event_type'],
    ['no identifier', { identifiers: {} }, 'missing-field', 'identifiers'],
    ['no time', { occurred_at: undefined }, 'missing-field', 'occurred_at'],
    ['a time without offset', { occurred_at: '2026-01-05T10:00:00' }, 'wrong-date', 'occurred_at'],
    ['a day that does not exist', { occurred_at: '2026-02-30T10:00:00Z' }, 'wrong-date', 'occurred_at'],
    ['an amount with a comma', { value: { revenue: '1,50' } }, 'wrong-number', 'value.revenue'],
    ['an amount without end', { value: { revenue: Number.POSITIVE_INFINITY } }, 'wrong-number', 'value.revenue'],
    ['the year 2099', { occurred_at: '2099-01-01T00:00:00Z' }, 'out-of-bounds', 'occurred_at'],
    ['the year 1970', { occurred_at: '1970-01-01T00:00:00Z' }, 'out-of-bounds', 'occurred_at'],
    ['a currency without a rate', { value: { revenue: 1, currency: 'GBP' } }, 'no-rate', 'value.currency'],
    ['a device that is none', { device: { class: 'fridge' } }, 'wrong-value', 'device.class'],
  ])('with %s says which field', (_, change, reason, column) => {
    expect(refused({ ...plain, ...change })).toMatchObject({ ok: false, reason, column });
  });

  it('names the wrong value, but never an address', () => {
    expect(refused({ ...plain, value: { revenue: 'ten' } }).message).toContain('"ten"');
    expect(refused({ ...plain, occurred_at: 'by mario@example.com' }).message).not.toContain('mario');
  });

  it('was within its bounds to the last moment', () => {
    expect(door.event({ ...plain, occurred_at: '2026-01-11T12:00:00Z' }).ok).toBe(true);
    expect(door.event({ ...plain, occurred_at: '2026-01-11T12:00:00.001Z' }).ok).toBe(false);
    expect(door.event({ ...plain, occurred_at: '2014-12-31T23:00:00Z' }).ok).toBe(true);
    expect(door.event({ ...plain, occurred_at: '2014-12-31T22:59:59Z' }).ok).toBe(false);
  });

  it('never is an exception, whatever comes', () => {
    fc.assert(
      fc.property(fc.anything(), fc.jsonValue(), (anything, json) => {
        for (const input of [
          anything,
          json,
          { ...plain, properties: { json } },
          { ...plain, identifiers: json, value: anything },
        ]) {
          const answer = door.event(input);
          if (answer.ok) JSON.stringify(answer.value);
          else expect(answer.reason).toMatch(/^[a-z-]+$/);
          door.cost(input, 'i');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a cost', () => {
  const cost = { cost_date: '2026-01-05', source: 'google_ads', spend: '1.20', currency: 'EUR' };

  it('is stored with what it does not name as empty or zero', () => {
    expect(door.cost({ ...cost, campaign_id: 77 }, 'import-1')).toEqual({
      ok: true,
      value: {
        cost_date: '2026-01-05',
        source: 'google_ads',
        account: '',
        campaign_id: '77',
        campaign: '',
        ad_group: '',
        impressions: 0,
        clicks: 0,
        spend: '1.20',
        currency: 'EUR',
        platform_conversions: 0,
        platform_value: '0',
        received_at: '2026-01-10T12:00:00.000Z',
        import_id: 'import-1',
        schema_version: 1,
      },
    });
  });

  it.each([
    ['a rate of the same week', { currency: 'USD', cost_date: '2026-01-09' }, undefined],
    ['no rate in its last 7 days', { currency: 'USD', cost_date: '2026-01-10' }, 'no-rate'],
    ['only a later rate', { currency: 'USD', cost_date: '2026-01-01' }, 'no-rate'],
    ['a spend that is no amount', { spend: 'free' }, 'wrong-number'],
    ['no spend', { spend: undefined }, 'missing-field'],
    ['a day beyond the bounds', { cost_date: '2099-01-01' }, 'out-of-bounds'],
  ])('with %s is judged so', (_, change, reason) => {
    const answer = door.cost({ ...cost, ...change }, 'i');
    expect(answer.ok ? undefined : answer.reason).toBe(reason);
  });
});

describe('days and hosts', () => {
  it('takes the reporting day in the zone, through both changes of the clock', () => {
    const day = createReportingDay('Europe/Rome');
    for (const text of ['2026-03-28T23:30:00Z', '2026-03-29T21:59:59Z'])
      expect(day(Date.parse(text))).toBe('2026-03-29');
    expect(day(Date.parse('2026-03-29T22:00:00Z'))).toBe('2026-03-30');
    expect(day(Date.parse('2026-10-25T22:59:59Z'))).toBe('2026-10-25');
    expect(day(Date.parse('2026-10-25T23:00:00Z'))).toBe('2026-10-26');
    expect(createReportingDay('Asia/Kathmandu')(Date.parse('2026-01-01T18:15:00Z'))).toBe('2026-01-02');
  });

  it.each([
    ['https://www.Google.com/search?q=1', 'google.com'],
    ['http://m.facebook.com', 'facebook.com'],
    ['https://l.instagram.com:443/x', 'instagram.com'],
    ['android-app://com.google.android.gm/', 'com.google.android.gm'],
    ['//news.example.it/a', 'news.example.it'],
    ['example.it/path', 'example.it'],
    ['http://m.it/', 'm.it'],
    ['/relative/path', undefined],
    ['nothing', undefined],
  ])('finds the host of the referrer %j', (referrer, host) => expect(referrerHost(referrer)).toBe(host));
});
