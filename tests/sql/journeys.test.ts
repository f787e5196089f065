import { describe, expect, test } from 'vitest';
import { type Arrival, at, type CompanyInput, companyBuilder, contact, order } from './company-on-duckdb.ts';

const build = companyBuilder();

/*
 * Journeys worked out again from touches and conversions by the words of docs/definitions.md section 5, for persons made at
 * random: touch by touch, apart from the SQL.
 */
interface Person {
  name: string;
  touches: { day: number; channel: string }[];
  orders: number[];
  leads: number[];
}
const lookback = 20;
const days = 120;
const first = Date.parse('2026-01-01T12:00:00Z');
const instant = (day: number) => new Date(first + day * 86_400_000).toISOString();

function randomPersons(count: number, seed: number): Person[] {
  let state = seed;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const channels = ['Email', 'Chat', 'Store', 'Referral', 'Display'];
  const some = (most: number) => Array.from({ length: Math.floor(random() * (most + 1)) });
  const day = () => Math.floor(random() * days);
  return Array.from({ length: count }, (_, index) => ({
    name: `p${index}`,
    // No two in one instant: ties are ranked by id, which is not what is asked here.
    touches: [...new Set(some(12).map(day))]
      .sort((a, b) => a - b)
      .map((each) => ({ day: each, channel: channels[Math.floor(random() * channels.length)] ?? '' })),
    orders: [...new Set(some(3).map(day))].sort((a, b) => a - b),
    leads: random() < 0.4 ? [day()] : [],
  }));
}

function eventsOf(persons: readonly Person[]): Arrival[] {
  return persons.flatMap(({ name, touches, orders, leads }) => [
    ...touches.map(({ day, channel }) => contact(name, channel, instant(day))),
    ...orders.map((day) => order(name, `${name}-${day}`, instant(day), '10.00')),
    ...leads.map((day) => ({ ...contact(name, 'x', instant(day)), event_type: 'Signed Up', event_id: `lead-${name}` })),
    // A purchase of another kind, of which a person may make many.
    ...orders.map((day) => ({
      ...contact(name, 'x', instant(day)),
      event_type: 'Demo Booked',
      event_id: `demo-${name}-${day}`,
    })),
  ]);
}

type PathStart = 'lookback' | 'after_previous';

/** `type name first-last path converting` of every journey. */
function journeysOf({ name, touches, orders, leads }: Person, pathStart: PathStart, openDays: number): string[] {
  const conversions: Record<string, number[]> = {
    lead: leads.slice(0, 1),
    first_order: orders.slice(0, 1),
    repeat_order: orders.slice(1),
    demo_booked: orders,
    opportunity: [],
    referral: [],
  };
  const written = (type: string, from: number, to: number, converts: boolean) => {
    const part = touches.slice(from, to + 1);
    return `${type} ${name} ${part.map(({ day, channel }) => `${day}:${channel}`).join('>')} ${converts}`;
  };
  const found: string[] = [];
  for (const [type, converted] of Object.entries(conversions)) {
    const isCovered = touches.map(() => false);
    for (const [index, day] of converted.entries()) {
      const previous = pathStart === 'after_previous' ? (converted[index - 1] ?? -1) : -1;
      const inside = [...touches.keys()].filter((i) => {
        const touched = touches[i]?.day ?? 0;
        return touched <= day && touched >= day - lookback && touched > previous;
      });
      for (const i of inside) isCovered[i] = true;
      if (inside.length > 0) found.push(written(type, inside[0] ?? 0, inside.at(-1) ?? 0, true));
    }
    const canConvert = ({ day }: { day: number }) => {
      if (type === 'lead') return day < (leads[0] ?? Number.POSITIVE_INFINITY);
      if (type === 'first_order') return day < (orders[0] ?? Number.POSITIVE_INFINITY);
      if (type === 'repeat_order' || type === 'referral') return day > (orders[0] ?? Number.POSITIVE_INFINITY);
      return true;
    };
    // Runs of consecutive touches in no window, cut where more than the look-back lies between two.
    const runs: number[][] = [];
    for (const [i, touch] of touches.entries()) {
      if (isCovered[i] || !canConvert(touch)) continue;
      const run = runs.at(-1);
      const last = run?.at(-1);
      if (run !== undefined && last === i - 1 && touch.day - (touches[last]?.day ?? 0) <= lookback) run.push(i);
      else runs.push([i]);
    }
    for (const run of runs) {
      const last = run.at(-1) ?? 0;
      const end = touches[last]?.day ?? 0;
      if (end > days - 1 - openDays) continue;
      const start = run.find((i) => (touches[i]?.day ?? 0) >= end - lookback) ?? last;
      found.push(written(type, start, last, false));
    }
  }
  return found.sort();
}

describe.each<[PathStart, number]>([
  ['lookback', 0],
  ['after_previous', 10],
])('journeys with paths that start at %s, open for %i days', (pathStart, openJourneyDays) => {
  const config: CompanyInput['config'] = {
    attribution: { lookbackDays: lookback, pathStart, openJourneyDays },
    conversions: { demo_booked: { event: 'Demo Booked' } },
  };

  test('are those of the definition, touch by touch', async () => {
    const persons = randomPersons(250, openJourneyDays + 1);
    // The data ends on the same day, whoever was there.
    const end = { ...contact('nobody', 'x', instant(days - 1)), event_type: 'Identify', event_id: 'end' };
    const company = await build({ events: [...eventsOf(persons), end], config, select: 'paths,transition_counts' });
    const steps = await company.query(
      `select type_bits.conversion_type, journeys.person_no, journeys.last_seq, journeys.is_converting,
         coalesce(journeys.conversion_id, '') as conversion_id, touch_base.occurred_at, touch_base.channel,
         journeys.coalition, sum(distinct channel_numbers.bit) over (
           partition by type_bits.conversion_type, journeys.person_no, journeys.last_seq, journeys.conversion_id) as bits
       from journeys
       inner join type_bits on mod(journeys.type_bits / type_bits.type_bit, 2) = 1
       inner join person_numbers on person_numbers.person_no = journeys.person_no
       inner join touch_base on touch_base.person_id = person_numbers.person_id
         and touch_base.seq between journeys.first_seq and journeys.last_seq
       inner join channel_numbers on channel_numbers.channel = touch_base.channel
       order by 1, 2, 3, 5, touch_base.seq`,
    );
    expect(steps.filter((step) => step.coalition !== step.bits)).toEqual([]);
    const found = new Map<string, { type: string; way: string[]; converts: boolean }>();
    for (const step of steps) {
      const key = [step.conversion_type, step.person_no, step.last_seq, step.conversion_id].join('/');
      const journey = found.get(key) ?? {
        type: String(step.conversion_type),
        way: [],
        converts: step.is_converting === true,
      };
      found.set(key, journey);
      const day = Math.round((Date.parse(String(step.occurred_at)) - first) / 86_400_000);
      journey.way.push(`${day}:${String(step.channel)}`);
    }
    const text = (type: string, way: string, converts: boolean) => `${type} ${way} ${converts}`;
    const wanted = persons
      .flatMap((person) => journeysOf(person, pathStart, openJourneyDays))
      .map((line) => line.replace(/^(\S+) p\d+ /, '$1 '));
    expect([...found.values()].map(({ type, way, converts }) => text(type, way.join('>'), converts)).sort()).toEqual(
      wanted.sort(),
    );
    expect(wanted.length).toBeGreaterThan(1000);

    // Steps are counted once for each journey and place, and once more for its end, in both orders of the chain.
    const places = wanted.reduce((sum, line) => sum + line.split('>').length + 1, 0);
    expect(
      await company.lines('select order_k, sum(steps) from transition_counts group by order_k order by order_k'),
    ).toEqual([`1 ${places}`, `2 ${places}`]);
    expect(await company.lines('select sum(journeys), sum(conversions) from paths')).toEqual([
      `${wanted.length} ${wanted.filter((line) => line.endsWith('true')).length}`,
    ]);
  }, 60_000);
});

test('an order before customers.historyStarts, or a customer-since date, ends the wait for a first order', async () => {
  const company = await build({
    config: { attribution: { lookbackDays: 10 }, customers: { historyStarts: '2026-02-01' } },
    events: [
      // Long before the old order: lost. On the way to it: in no journey. After it: of a repeat order.
      contact('old', 'Email', at('2026-01-01')),
      contact('old', 'Chat', at('2026-01-20')),
      order('old', 'old', at('2026-01-22'), '10.00'),
      contact('old', 'Store', at('2026-03-01')),
      contact('known', 'Store', at('2026-03-01'), { properties: { customer_since: '2025-01-01' } }),
    ],
  });
  expect(
    await company.lines(
      "select conversion_type, path, journeys from paths where conversion_type like '%_order' order by 1, 2",
    ),
  ).toEqual(['first_order Email 1', 'repeat_order Store 2']);
});

test('the path of more than thirty touches shows its last thirty, and every step of it is counted', async () => {
  const company = await build({
    events: Array.from({ length: 35 }, (_, index) =>
      contact(
        'long',
        index < 5 ? 'Chat' : index === 5 ? 'Store' : 'Email',
        at('2026-05-01', `10:${String(index).padStart(2, '0')}:00`),
      ),
    ),
    select: 'paths,transition_counts',
  });
  const path = ['...', 'Store', ...Array.from({ length: 29 }, () => 'Email')].join(' > ');
  expect(await company.lines("select path, journeys from paths where conversion_type = 'lead'")).toEqual([`${path} 1`]);
  expect(
    await company.lines("select sum(steps) from transition_counts where conversion_type = 'lead' and order_k = 2"),
  ).toEqual(['36']);
});

test('beyond sixty channels the least frequent are one, and none is lost', async () => {
  const channels = Array.from({ length: 70 }, (_, index) => `Channel ${String(index).padStart(2, '0')}`);
  const company = await build({
    events: channels.flatMap((channel, index) => [
      ...Array.from({ length: 71 - index }, (_, copy) => contact(`${index}-${copy}`, channel, at('2026-06-01'))),
      order(`${index}-0`, `order-${index}`, at('2026-06-02'), '10.00'),
    ]),
    select: 'channel_factors,coalition_shares',
  });
  expect(
    await company.lines('select count(*), count(distinct channel_no), max(channel_no) from channel_numbers'),
  ).toEqual(['70 60 60']);
  expect(
    await company.lines('select channel, channel_no from channel_numbers where channel_no = 60 order by 1 limit 1'),
  ).toEqual(['Channel 59 60']);
  expect(
    await company.lines(
      `select model, cast(round(sum(textbook_conversions), 9) as decimal(18, 6)), count(*) from channel_factors where conversion_type = 'first_order' group by model order by model`,
    ),
  ).toEqual(['markov_1 70.000000 60', 'markov_2 70.000000 60', 'shapley 70.000000 60']);
});

test('a merge of two persons changes no conversion_id', async () => {
  const events = [
    contact('phone', 'Store', at('2026-03-01')),
    order('phone', 'first', at('2026-03-02'), '10.00'),
    contact('laptop', 'Email', at('2026-04-01')),
    order('laptop', 'second', at('2026-04-02'), '20.00'),
    contact('laptop', 'Chat', at('2026-04-03'), { event_type: 'Quote Requested' }),
  ];
  const both = { event_type: 'Identify', source: 'app', occurred_at: at('2026-05-01'), event_id: 'both' };
  const ids = 'select conversion_id from conversions order by 1';
  const select = 'conversions';
  const apart = await build({ select, events });
  const joined = await build({
    select,
    events: [
      ...events,
      { ...both, identifiers: { anonymous_id: 'phone', user_id: 'maria' } },
      { ...both, event_id: 'both 2', identifiers: { anonymous_id: 'laptop', user_id: 'maria' } },
    ],
  });
  const persons = 'select count(distinct person_id) from conversions';
  expect(await apart.lines(persons)).toEqual(['2']);
  expect(await joined.lines(persons)).toEqual(['1']);
  expect(await apart.lines(ids)).not.toEqual([]);
  expect(await joined.lines(ids)).toEqual(await apart.lines(ids));
  // What the merge changes is whose it is, and so whether it is the first.
  const types = "select conversion_type from conversions where conversion_type like '%_order' order by occurred_at";
  expect(await apart.lines(types)).toEqual(['first_order', 'first_order']);
  expect(await joined.lines(types)).toEqual(['first_order', 'repeat_order']);
});
