import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type AdDay,
  adDays,
  type Claims,
  comparisonHeader,
  comparisonLine,
  comparisonPrice,
  googleReport,
  metaReport,
} from '#pipeline/demo/ad-platforms';
import { instantOf, isoDay, italianDay, localIso, monthOf, monthsBetween } from '#pipeline/demo/calendar';
import { answerHeader, answerLine, callHeader, callLine, mailHeader, mailLines } from '#pipeline/demo/contact-systems';
import {
  activityHeader,
  activityLine,
  contactHeader,
  contactLine,
  dealHeader,
  dealLine,
  recommendationHeader,
  recommendationLine,
} from '#pipeline/demo/crm-system';
import { encodeWindows1252 } from '#pipeline/demo/export-text';
import type { Facts, Order, ShopVisit, Visit } from '#pipeline/demo/facts';
import type { World } from '#pipeline/demo/life';
import type { Device } from '#pipeline/demo/market';
import { tabletAgent } from '#pipeline/demo/market';
import { stream, uuid } from '#pipeline/demo/random';
import { batchLine, crawlerBatches, sdkBatch } from '#pipeline/demo/sdk-traffic';
import {
  shopOrderHeader,
  shopOrderLine,
  shopRefundHeader,
  shopRefundLine,
  shopVisitHeader,
  shopVisitLine,
  tillHeader,
  tillOrderLine,
  tillRefundLine,
} from '#pipeline/demo/shop-systems';
import { createSpill } from '#pipeline/demo/spill';

/** What was planted, counted in the unit that the name says. */
export interface Dirt {
  /** Messages of the SDK that were delivered twice. */
  doubled_messages: number;
  /** Messages that stand in a later month's file than they happened in. */
  late_messages: number;
  /** Orders that a month's export of the shop repeats from the month before. */
  doubled_shop_orders: number;
  /** Page views of a crawler. */
  bot_page_views: number;
  /** Users who have logged in on the tablet in the shop: one cookie. */
  users_on_the_tablet: number;
  /** Orders whose copy from the browser names another revenue than the shop. */
  orders_with_conflicting_revenue: number;
  /** Visits whose utm_campaign is spelt in a way that campaigns.csv does not know. */
  visits_with_unknown_spelling: number;
  /** Rows that each file holds and that must be rejected. */
  rejected: Record<string, number>;
  /** The file that is cut off half way, and the whole one that follows it. */
  cut_file: string;
  whole_file: string;
  /** The file that comes in late with the second half of its month. */
  late_file: string;
  /** The month of costs that was restated, and by how much of its spend (EUR). */
  restated_file: string;
}

export interface Landing {
  /** Listens to the simulation. Orders and refunds are handed on, so that a ledger can be kept beside it. */
  facts: Facts;
  /** Writes the files once everybody has lived. */
  finish(): LandingTotals;
}

export interface LandingTotals {
  files: number;
  bytes: number;
  /** Events that the import must find, each counted once, by source. */
  events: Record<string, number>;
  /** Media spend in cents by campaign name. */
  media: Map<string, number>;
  dirt: Dirt;
}

type FileKind = { header: string; encoding?: 'windows-1252' };
const kinds: Record<string, FileKind> = {
  'shop-orders': { header: shopOrderHeader },
  'shop-refunds': { header: shopRefundHeader },
  till: { header: tillHeader, encoding: 'windows-1252' },
  'shop-visits': { header: shopVisitHeader },
  'crm-contacts': { header: contactHeader },
  'crm-deals': { header: dealHeader },
  'crm-activities': { header: activityHeader },
  'crm-recommendations': { header: recommendationHeader },
  calls: { header: callHeader },
  newsletter: { header: mailHeader },
  survey: { header: answerHeader },
  confrontaclima: { header: comparisonHeader, encoding: 'windows-1252' },
};

const unknownSpelling = /generic\+pompe\+di\+calore/;

/** Writes what the outside systems would write into a folder, month by month, with their dirt. */
export function createLanding(folder: string, scratch: string, world: World): Landing {
  const { seed, firstDay, lastDay } = world;
  const size = world.customers / 7000;
  const spill = createSpill(scratch);
  const chance = stream(seed, 'dirt');
  const months = monthsBetween(firstDay, lastDay);
  const monthAt = (share: number) => months[Math.floor((months.length - 1) * share)]?.month ?? '';
  const cutMonth = monthAt(0.7);
  const lateMonth = monthAt(0.87);
  const restatedMonth = monthAt(0.92);
  const year = (day: number) => isoDay(day).slice(0, 4);

  const events: Record<string, number> = {};
  const count = (source: string, number = 1) => {
    events[source] = (events[source] ?? 0) + number;
  };
  const dirt: Dirt = {
    doubled_messages: 0,
    late_messages: 0,
    doubled_shop_orders: 0,
    bot_page_views: 0,
    users_on_the_tablet: 0,
    orders_with_conflicting_revenue: 0,
    visits_with_unknown_spelling: 0,
    rejected: {},
    cut_file: '',
    whole_file: '',
    late_file: '',
    restated_file: '',
  };
  const claims: Claims = new Map();
  const comparisonVisits = new Map<number, number>();
  const tabletUsers = new Set<number>();
  const tablet: Device = { number: 9, class: 'tablet', userAgent: tabletAgent, cookieDays: 9999 };
  const tabletCookie = uuid(stream(seed, 'tablet'), 'cookie');

  const add = (kind: string, period: string, day: number, second: number, line: string) =>
    spill.add(period === '' ? kind : `${kind}-${period}`, day * 86_400 + second, line);

  const addBatch = (day: number, at: number, messages: number, line: string) => {
    count('web', messages);
    const month = monthOf(day);
    const fate = chance('delivery', day, at % 86_400_000);
    // A browser that went to sleep sends what it held once it is opened again.
    const nextMonth = months.find((candidate) => candidate.month > month)?.month;
    const isLate = fate < 0.004 && nextMonth !== undefined;
    if (isLate) dirt.late_messages += messages;
    spill.add(`web-sdk-${isLate ? nextMonth : month}`, at, line);
    if (fate > 0.988) {
      dirt.doubled_messages += messages;
      spill.add(`web-sdk-${month}`, at, line);
    }
  };

  const addVisit = (visit: Visit) => {
    const { order } = visit;
    const isOff = order !== undefined && chance('conflict', visit.day, visit.person.number) < 0.02;
    if (isOff) dirt.orders_with_conflicting_revenue += 1;
    const batch = sdkBatch(visit, isOff ? 500 : 0);
    if (unknownSpelling.test(batch.line)) dirt.visits_with_unknown_spelling += 1;
    if (visit.entry.way === 'comparison') comparisonVisits.set(visit.day, (comparisonVisits.get(visit.day) ?? 0) + 1);
    addBatch(visit.day, batch.at, batch.messages, batch.line);
  };

  /** Half of those who come to the shop are asked to log in on its tablet. */
  const logInOnTablet = (moment: Order | ShopVisit) => {
    const { person, day, second } = moment;
    if (person.draw('logs in on the tablet', day) >= 0.5) return;
    const userId = `C${100_000 + person.number}`;
    tabletUsers.add(person.number);
    addVisit({
      person,
      day,
      second: second - 120,
      device: tablet,
      anonymousId: tabletCookie,
      entry: { way: 'direct' },
      pages: 1,
      topic: 'part',
      userId,
      consent: true,
    });
  };

  const facts: Facts = {
    visit: addVisit,
    order(order) {
      if (order.system === 'till') {
        count('till', 2);
        add('till', monthOf(order.day), order.day, order.second, tillOrderLine(order));
        logInOnTablet(order);
        return;
      }
      count('shop');
      const line = shopOrderLine(order);
      const month = months.find(({ from, to }) => order.day >= from && order.day <= to);
      add('shop-orders', monthOf(order.day), order.day, order.second, line);
      // Each export begins three days before its month, to miss nothing.
      if (month !== undefined && month.to - order.day < 3 && month.to < lastDay) {
        dirt.doubled_shop_orders += 1;
        add('shop-orders', monthOf(month.to + 1), order.day, order.second, line);
      }
    },
    refund(refund) {
      const isTill = refund.order.system === 'till';
      count(isTill ? 'till' : 'shop');
      if (isTill) add('till', monthOf(refund.day), refund.day, refund.second, tillRefundLine(refund));
      else add('shop-refunds', monthOf(refund.day), refund.day, refund.second, shopRefundLine(refund));
    },
    call(call) {
      count('calls');
      const isHeldBack = monthOf(call.day) === lateMonth && Number(isoDay(call.day).slice(8)) > 15;
      add('calls', isHeldBack ? `${lateMonth}.late` : monthOf(call.day), call.day, call.second, callLine(call));
    },
    shopVisit(visit) {
      count('till');
      add('shop-visits', year(visit.day), visit.day, visit.second, shopVisitLine(visit));
      logInOnTablet(visit);
    },
    agentVisit(visit) {
      count('crm');
      add('crm-activities', year(visit.day), visit.day, visit.second, activityLine(visit));
    },
    deal(deal) {
      count('crm', deal.closed === undefined ? 1 : 2);
      add('crm-deals', year(deal.day), deal.day, deal.second, dealLine(deal));
    },
    mail(mail) {
      for (const { order, line } of mailLines(mail)) {
        count('newsletter');
        add('newsletter', monthOf(mail.day), mail.day, order, line);
      }
    },
    answer(answer) {
      count('survey');
      add('survey', year(answer.day), answer.day, answer.second, answerLine(answer));
    },
    recommendation(recommendation) {
      count('crm');
      add('crm-recommendations', '', recommendation.day, recommendation.second, recommendationLine(recommendation));
    },
    crmContact(contact) {
      count('crm', contact.origin === 'cliente storico' ? 1 : contact.origin === 'passaparola' ? 3 : 2);
      add('crm-contacts', '', contact.createdDay, contact.createdSecond, contactLine(contact));
    },
    claim({ campaign, day, value }) {
      const key = `${campaign}/${day}`;
      const claimed = claims.get(key) ?? { conversions: 0, value: 0 };
      claimed.conversions += 1;
      claimed.value += value;
      claims.set(key, claimed);
    },
  };

  /** Rows that no system should write, and that some do. */
  const plantRejects = () => {
    const middle = firstDay + Math.floor((lastDay - firstDay) * 0.4);
    const month = monthOf(middle);
    const wrongDay = italianDay(middle).replace(/^\d\d\/\d\d/, '31/02');
    const plant = (kind: string, line: string) => {
      add(kind, month, middle, 12 * 3600, line);
      const name = `${kind}-${month}.csv`;
      dirt.rejected[name] = (dirt.rejected[name] ?? 0) + 1;
    };
    plant('till', `S999999-1;${wrongDay} 10:15;Bergamo – Città Bassa;Vendita;;;12,90;contanti`);
    plant('till', `S999999-2;${italianDay(middle)} 10:20;Bergamo – Città Bassa;Vendita;;;;contanti`);
    plant(
      'shop-orders',
      `OE999999-1,${localIso(middle, 40_000)},paid,web,C999999,,prova@posta.example,,,22.00,0.00,0.00,,EUR,1 x FIL-01`,
    );
    plant('calls', `T999999-1,${isoDay(middle).slice(0, 8)}45 09:00:00,+393700999999,vendite,61,yes`);
    plant(
      'confrontaclima',
      `ConfrontaClima – Società a responsabilità limitata;${italianDay(middle)};Storno – in verifica;1;6,50;n.d.`,
    );
    const at = instantOf(middle, 50_000);
    const nobody = {
      type: 'page',
      messageId: 'ajs-next-nobody',
      timestamp: new Date(at).toISOString(),
      anonymousId: null,
      userId: null,
      context: { page: { url: 'https://www.officine-esempio.example/' } },
      properties: {},
    };
    spill.add(`web-sdk-${month}`, at, batchLine([nobody], at));
    dirt.rejected[`web-sdk-${month}.jsonl.gz`] = 1;
  };

  const addCrawler = () => {
    const span = lastDay - firstDay;
    for (const share of [0.18, 0.55, 0.93]) {
      const day = firstDay + Math.floor(span * share);
      for (const batch of crawlerBatches(seed, day, Math.max(20, Math.round(1200 * size)))) {
        dirt.bot_page_views += batch.messages;
        count('web', batch.messages);
        spill.add(`web-sdk-${monthOf(day)}`, batch.at, batch.line);
      }
    }
  };

  const media = new Map<string, number>();
  const bill = (name: string, cents: number) => media.set(name, (media.get(name) ?? 0) + cents);
  let files = 0;
  let bytes = 0;
  const write = (name: string, content: Buffer | string) => {
    writeFileSync(join(folder, name), content);
    files += 1;
    bytes += Buffer.byteLength(content);
  };

  const writeAds = () => {
    for (const { month, from, to } of months) {
      const google = adDays('google', from, to, seed, size, claims);
      write(`google-ads-${month}.csv`, googleReport(google, from, to));
      let standing: AdDay[] = google;
      if (month === restatedMonth) {
        // Google credits invalid clicks weeks later: the same days again, with less spend.
        standing = google.map((row) => ({
          ...row,
          spend: Math.round(row.spend * 0.96),
          clicks: Math.floor(row.clicks * 0.96),
        }));
        dirt.restated_file = `google-ads-${month}.restated.csv`;
        write(dirt.restated_file, googleReport(standing, from, to));
      }
      const meta = adDays('meta', from, to, seed, size, claims);
      write(`meta-ads-${month}.csv`, metaReport(meta));
      for (const row of [...standing, ...meta]) bill(row.campaign.name, row.spend);
    }
    for (const [day, visits] of comparisonVisits) {
      const clicks = visits + (chance('click without a visit', day) < 0.3 ? 1 : 0);
      const spend = clicks * comparisonPrice;
      bill('comparison', spend);
      add('confrontaclima', monthOf(day), day, 0, comparisonLine({ day, clicks, spend }));
    }
  };

  return {
    facts,
    finish() {
      addCrawler();
      writeAds();
      plantRejects();
      dirt.users_on_the_tablet = tabletUsers.size;
      for (const file of spill.files()) {
        const lines = spill.lines(file);
        if (file.startsWith('web-sdk-')) {
          const zipped = gzipSync(`${lines.join('\n')}\n`, { level: 5 });
          // The byte that names the operating system; the same everywhere.
          zipped[9] = 255;
          write(`${file}.jsonl.gz`, zipped);
          continue;
        }
        const kind = Object.entries(kinds).find(([name]) => file === name || file.startsWith(`${name}-`))?.[1];
        const text = `${[...(kind === undefined ? [] : [kind.header]), ...lines].join('\n')}\n`;
        const encode = (part: string) => (kind?.encoding === undefined ? part : encodeWindows1252(part));
        if (file === `newsletter-${cutMonth}`) {
          dirt.cut_file = `${file}.csv`;
          dirt.whole_file = `${file}.whole.csv`;
          // Its last row ends within the e-mail address.
          dirt.rejected[dirt.cut_file] = 1;
          const row = text.indexOf('\n', Math.floor(text.length * 0.6)) + 1;
          write(dirt.cut_file, encode(text.slice(0, row + 22)));
          write(dirt.whole_file, encode(text));
        } else {
          if (file.endsWith('.late')) dirt.late_file = `${file}.csv`;
          write(`${file}.csv`, encode(text));
        }
      }
      spill.close();
      return { files, bytes, events, media, dirt };
    },
  };
}
