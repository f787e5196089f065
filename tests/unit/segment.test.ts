import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readSegmentMessage, type SegmentSurroundings, segmentMessages, segmentRoutes } from '#connectors/segment';
import { configSchema } from '#core/config';
import { createAdmitter } from '#pipeline/arrivals/admit';

const around: SegmentSurroundings = { source: 'shop', time: '2026-01-05T12:00:00.000Z' };

function read(message: object, surroundings: Partial<SegmentSurroundings> = {}) {
  const answer = readSegmentMessage(message, { ...around, ...surroundings });
  if (!answer.ok) throw new Error(answer.message);
  return answer.event;
}

describe('a Segment message', () => {
  it('of an order becomes the order, its figures and its lines', () => {
    const event = read({
      type: 'track',
      event: 'Order Completed',
      messageId: 'm1',
      userId: 'u1',
      anonymousId: 'a1',
      timestamp: '2026-01-05T10:00:00.000+0100',
      properties: {
        order_id: '8841',
        revenue: 100,
        tax: '22.00',
        total: 127,
        currency: 'eur',
        coupon: 'SPRING',
        products: [{ product_id: 'p1', sku: 's1', quantity: 2, price: 50, color: 'red' }],
      },
    });
    expect(event).toMatchObject({
      event_id: 'm1',
      event_type: 'Order Completed',
      occurred_at: '2026-01-05T09:00:00.000Z',
      source: 'shop',
      identifiers: { user_id: 'u1', anonymous_id: 'a1' },
      value: {
        order_id: '8841',
        revenue: 100,
        tax: '22.00',
        currency: 'EUR',
        lines: [{ sku: 's1', product_id: 'p1', quantity: 2, price: 50, color: 'red' }],
      },
      properties: { total: 127, coupon: 'SPRING' },
    });
  });

  it('with a total alone has it as revenue, less what revenue does not hold', () => {
    const order = (properties: object, surroundings = {}) =>
      read({ type: 'track', event: 'Order Completed', userId: 'u', properties }, surroundings).value;
    expect(order({ total: 127.1, tax: 22, shipping: '5.05' })).toMatchObject({ revenue: '100.05' });
    expect(order({ total: 127, tax: 22, shipping: 5 }, { gross: true })).toMatchObject({ revenue: '122' });
    expect(order({ total: 127, tax: 22, shipping: 5 }, { gross: true, shippingIncluded: true })).toMatchObject({
      revenue: '127',
    });
    expect(order({ total: 'free' })).toMatchObject({ revenue: 'free' });
  });

  it('keeps products whose form is unknown as they are, rather than refuse the order', () => {
    const event = read({
      type: 'track',
      event: 'x',
      userId: 'u',
      properties: { revenue: 1, products: [{ price: '1,5' }] },
    });
    expect(event.value).toEqual({ revenue: 1 });
    expect(event.properties).toEqual({ products: [{ price: '1,5' }] });
  });

  it('without order figures leaves price and currency among the properties', () => {
    const event = read({
      type: 'track',
      event: 'Product Viewed',
      userId: 'u',
      properties: { price: 5, currency: 'EUR' },
    });
    expect(event.value).toBeUndefined();
    expect(event.properties).toEqual({ price: 5, currency: 'EUR' });
  });

  it('of a page has address, referrer, campaign and user agent in their places', () => {
    const event = read({
      type: 'page',
      name: 'Landing',
      anonymousId: 'a1',
      properties: {
        url: 'https://x.it/p?a=1',
        path: '/p',
        search: '?a=1',
        referrer: 'https://google.com/',
        title: 'T',
      },
      context: {
        page: { url: 'https://x.it/p?a=1', referrer: 'https://google.com/' },
        campaign: { source: 'google', medium: 'cpc', name: 'spring', id: 7 },
        userAgent: 'Mozilla/5.0',
        ip: '10.0.0.1',
        locale: 'it-IT',
      },
    });
    expect(event.event_type).toBe('Page Viewed');
    expect(event.touch).toMatchObject({
      landing_page: 'https://x.it/p?a=1',
      referrer: 'https://google.com/',
      source: 'google',
      medium: 'cpc',
      campaign: 'spring',
      campaign_id: '7',
    });
    expect(event.device).toMatchObject({ user_agent: 'Mozilla/5.0' });
    expect(event.properties).toEqual({ title: 'T', name: 'Landing', context: { locale: 'it-IT' } });
    expect(JSON.stringify(event)).not.toContain('10.0.0.1');
  });

  it('of an identity has the address and the telephone of its traits, and keeps the other traits', () => {
    const event = read({
      type: 'identify',
      userId: 'u',
      traits: { email: 'a@b.it', phone: '333 1234567', plan: 'pro', crmId: 5 },
    });
    expect(event.event_type).toBe('Identify');
    expect(event.identifiers).toMatchObject({ user_id: 'u', email: 'a@b.it', phone: '333 1234567', crm_id: 5 });
    expect(event.properties).toEqual({ traits: { plan: 'pro' } });
  });

  it('of a group does not take the address of the group for the person', () => {
    const event = read({ type: 'group', userId: 'u', groupId: 'g', traits: { email: 'info@firm.it' } });
    expect(event.identifiers).toEqual({ user_id: 'u', anonymous_id: undefined });
    expect(event.properties).toEqual({ group_id: 'g', group_traits: { email: 'info@firm.it' } });
  });

  it('of an alias ties the previous id as an anonymous one', () => {
    expect(read({ type: 'alias', userId: 'u2', previousId: 'u1' }).identifiers).toEqual({
      user_id: 'u2',
      anonymous_id: 'u1',
    });
  });

  it('takes its time from timestamp, else originalTimestamp, else sentAt, else the request', () => {
    const times = {
      timestamp: '2026-01-01T00:00:00Z',
      originalTimestamp: '2026-01-02T00:00:00Z',
      sentAt: '2026-01-03T00:00:00Z',
    };
    const at = (message: object) => String(read({ type: 'screen', userId: 'u', ...message }).occurred_at).slice(0, 10);
    expect(at(times)).toBe('2026-01-01');
    expect(at({ ...times, timestamp: undefined })).toBe('2026-01-02');
    expect(at({ sentAt: times.sentAt })).toBe('2026-01-03');
    expect(at({})).toBe('2026-01-05');
    expect(at({ timestamp: 1767225600000 })).toBe('2026-01-01');
  });

  it('reads consent in Segment form and in ours', () => {
    const consent = (context: object) => read({ type: 'track', event: 'x', userId: 'u', context }).consent;
    expect(consent({ consent: { categoryPreferences: { Analytics: false, Advertising: true } } })).toEqual({
      analytics: false,
      marketing: true,
    });
    expect(consent({ consent: { analytics: true } })).toEqual({ analytics: true, marketing: undefined });
    expect(
      read({ type: 'track', event: 'Consent Changed', userId: 'u', properties: { analytics: false } }).consent,
    ).toMatchObject({ analytics: false });
  });

  it('believes a channel only of a contact', () => {
    const touch = (event: string) =>
      read({ type: 'track', event, userId: 'u', properties: { channel: 'Phone' } }).touch;
    expect(touch('Contact')).toMatchObject({ channel: 'Phone' });
    expect(touch('Product Viewed')).toMatchObject({ channel: undefined });
  });

  it.each([
    [{ type: 'track', userId: 'u' }, 'missing-field', 'event'],
    [{ type: 'delete', userId: 'u' }, 'wrong-value', 'type'],
    [{ userId: 'u' }, 'missing-field', 'type'],
    [{ type: 'track', event: 5 }, 'wrong-value', 'event'],
    [5, 'wrong-value', undefined],
  ])('that is none, %j, is refused with its field', (message, reason, column) => {
    const answer = readSegmentMessage(message, around);
    expect(answer).toMatchObject({ ok: false, reason, ...(column === undefined ? {} : { column }) });
  });

  it('is not refused for an unexpected form of what only decorates it', () => {
    expect(
      read({ type: 'track', event: 'x', userId: 'u', context: { page: 5, campaign: 'x', userAgent: [] } }).event_type,
    ).toBe('x');
    expect(read({ type: 'track', event: 'x', userId: 'u', context: 'none' }).event_type).toBe('x');
  });
});

describe('a request body', () => {
  it('is its batch, or itself', () => {
    expect(segmentMessages({ batch: [1, 2] }, 'batch')).toEqual([1, 2]);
    expect(segmentMessages({ event: 'x' }, 'track')).toEqual([{ event: 'x' }]);
    expect(segmentMessages({ event: 'x' }, 'batch')).toBeUndefined();
    expect(segmentMessages([], 'track')).toBeUndefined();
    expect(segmentMessages(null, 'track')).toBeUndefined();
  });
});

const requests = new URL('../../../shared/data/requests/', import.meta.url);
const recorded = z.object({ method: z.string(), path: z.string(), body: z.unknown() });
const isThere = existsSync(requests);

describe.skipIf(!isThere)(`requests of real SDKs${isThere ? '' : ' (skipped: no ../shared/data)'}`, () => {
  const door = createAdmitter({
    config: configSchema.parse({ name: 'x' }),
    identifierKey: Buffer.alloc(32, 1),
    trust: 'server',
    receivedAt: new Date('2026-11-23T00:00:00Z'),
    hasRate: () => true,
  });
  const stored = (file: string) => {
    const { path, body } = recorded.parse(JSON.parse(readFileSync(new URL(file, requests), 'utf8')));
    const route = segmentRoutes[path.split('/').at(-1) ?? ''] ?? 'batch';
    return (segmentMessages(body, route) ?? []).map((message) => {
      const answer = readSegmentMessage(message, { ...around, ...(route === 'batch' ? {} : { type: route }) });
      const admitted = answer.ok ? door.event(answer.event) : answer;
      if (!admitted.ok) throw new Error(`${file}: ${admitted.message}`);
      return admitted.value;
    });
  };
  const names = isThere
    ? readdirSync(requests).filter((name) => /^(segment|rudderstack)-.*\.json$/.test(name) && !/cdn-00/.test(name))
    : [];

  it.each(names)('%s is taken whole, without any address', (file) => {
    const events = stored(file);
    expect(events.length).toBeGreaterThan(0);
    expect(JSON.stringify(events)).not.toContain('@example.com');
    for (const event of events) expect(event.event_id.length).toBeGreaterThan(20);
  });

  it('analytics-node tells all six kinds', () => {
    const events = stored('segment-analytics-node-00.json');
    expect(events.map((event) => event.event_type)).toEqual([
      'Identify',
      'Order Completed',
      'Page Viewed',
      'Screen Viewed',
      'Group',
      'Alias',
    ]);
    expect(events[0]?.keys).toHaveProperty('email');
    expect(events[1]).toMatchObject({
      occurred_at: '2026-11-22T10:12:15.277Z',
      value: { order_id: 'o1', revenue: '42.5', currency: 'EUR' },
      touch: { source: 'google', medium: 'cpc', campaign: 'spring' },
      identifiers: { user_id: 'u1', anonymous_id: 'anon1' },
    });
    expect(events[2]?.touch).toEqual({ landing_page: 'https://x.test/?utm_source=google', source: 'google' });
  });

  it('analytics-next tells a page with its click identifier', () => {
    expect(stored('segment-analytics-next-00.json')[0]?.touch).toMatchObject({
      source: 'google',
      medium: 'cpc',
      campaign: 'spring',
      referrer_host: 'google.com',
      click_id_kind: 'gclid',
    });
  });

  it('RudderStack has its time in originalTimestamp', () => {
    const [event] = stored('rudderstack-node-00.json');
    expect(event).toMatchObject({ event_type: 'Identify', occurred_at: '2026-11-22T10:12:15.522Z' });
    expect(event?.keys).toHaveProperty('email');
  });
});
