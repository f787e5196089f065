import { describe, expect, it } from 'vitest';
import { dayNumber } from '#pipeline/demo/calendar';
import { campaigns, type Part } from '#pipeline/demo/campaigns';
import type { Facts, Order } from '#pipeline/demo/facts';
import type { World } from '#pipeline/demo/life';
import { personOf } from '#pipeline/demo/market';
import { stream } from '#pipeline/demo/random';
import { createLedger, sumOf, trueEffects } from '#pipeline/demo/truth';
import { liveAll } from '#pipeline/demo/world';

const lastDay = dayNumber('2026-10-31');
const worldWithout = (...removed: Part[]): World => ({
  seed: 3,
  firstDay: lastDay - 364,
  lastDay,
  customers: 600,
  removed: new Set(removed),
});

function visitsAndOrders(world: World): { ways: string[]; orders: string[] } {
  const ways: string[] = [];
  const orders: string[] = [];
  const facts: Facts = {
    visit: ({ person, day, entry }) => {
      ways.push(`${person.number}/${day}/${entry.way === 'campaign' ? entry.campaign : entry.way}`);
    },
    order: (order: Order) => orders.push(`${order.person.number}/${order.day}/${order.net}`),
    refund: () => {},
  };
  liveAll(world, facts);
  return { ways, orders };
}

describe('chance by address', () => {
  it('gives the same draw for the same address, whatever was drawn before', () => {
    const one = stream(5, 'person', 12);
    const two = stream(5, 'person', 12);
    one('searches', 20_000);
    one('buys', 20_001, 3);
    expect(one('searches', 20_010)).toBe(two('searches', 20_010));
    expect(one('searches', 20_010)).not.toBe(two('searches', 20_011));
  });

  it('spreads its draws evenly', () => {
    const draw = stream(1, 'evenness');
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let turn = 0; turn < 20_000; turn++) {
      const tenth = Math.floor(draw('spread', turn) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const number of tenths) expect(Math.abs(number - 2000)).toBeLessThan(200);
  });
});

describe('a world without one channel', () => {
  it('has the true effect that living everybody again would show', () => {
    const marginOf = (world: World) => {
      const ledger = createLedger();
      liveAll(world, ledger.facts);
      return sumOf(ledger.rows).margin;
    };
    const effects = trueEffects(worldWithout(), () => {});
    const effect = (channel: string, part = '(all)') =>
      effects.find((one) => one.channel === channel && one.part === part)?.missing.margin;
    const whole = marginOf(worldWithout());
    expect(effect('Phone')).toBe(whole - marginOf(worldWithout('phone')));
    expect(effect('Paid Video')).toBe(whole - marginOf(worldWithout('paid_video')));
    expect(effect('Word of Mouth')).toBe(whole - marginOf(worldWithout('word_of_mouth')));
    expect(effect('Paid Search')).toBe(whole - marginOf(worldWithout('brand_search', 'generic_search')));
    expect(effect('Paid Social', 'social_retargeting')).toBe(whole - marginOf(worldWithout('social_retargeting')));
  });

  it('has the same persons with the same habits', () => {
    const one = personOf(17, 3, lastDay - 364);
    const two = personOf(17, 3, lastDay - 364);
    expect(JSON.stringify(one)).toBe(JSON.stringify(two));
  });

  it('holds no visit of that channel', () => {
    const { ways } = visitsAndOrders(worldWithout('comparison'));
    expect(ways.length).toBeGreaterThan(500);
    expect(ways.filter((way) => way.endsWith('/comparison'))).toEqual([]);
  });

  it('leaves the lives alone that the channel never reached', () => {
    const whole = visitsAndOrders(worldWithout());
    const without = visitsAndOrders(worldWithout('comparison', 'word_of_mouth'));
    const silent = visitsAndOrders(worldWithout('word_of_mouth'));
    const reached = new Set(
      silent.ways.filter((way) => way.endsWith('/comparison')).map((way) => way.slice(0, way.indexOf('/'))),
    );
    const others = (list: string[]) => list.filter((entry) => !reached.has(entry.slice(0, entry.indexOf('/'))));
    expect(others(without.ways)).toEqual(others(silent.ways));
    expect(others(without.orders)).toEqual(others(silent.orders));
    expect(reached.size).toBeGreaterThan(10);
    expect(whole.orders).not.toEqual(without.orders);
  });

  it('misses little without the ad on the own name, though many visits come through it, and more without generic search', () => {
    const world: World = { ...worldWithout(), customers: 2500 };
    let brandVisits = 0;
    liveAll(world, {
      order: () => {},
      refund: () => {},
      visit: ({ entry }) => {
        if (entry.way === 'campaign' && campaigns[entry.campaign].part === 'brand_search') brandVisits += 1;
      },
    });
    const effects = trueEffects(world, () => {});
    const orders = (part: string) => effects.find((effect) => effect.part === part)?.missing.orders ?? Number.NaN;
    expect(brandVisits).toBeGreaterThan(300);
    expect(Math.abs(orders('brand_search'))).toBeLessThan(orders('generic_search') / 3);
    expect(effects.find((effect) => effect.channel === 'Paid Video')?.missing.orders).toBeGreaterThan(0);
  });
});
