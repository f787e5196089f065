import { isoDay, monthNumber, weekday } from '#pipeline/demo/calendar';
import { type CampaignKey, campaignList, campaigns, type Part, presence, season } from '#pipeline/demo/campaigns';
import type { Category } from '#pipeline/demo/catalogue';
import type { CrmContact, Deal, Entry, Facts, Order } from '#pipeline/demo/facts';
import type { Person } from '#pipeline/demo/market';
import { makeOrder, makeRefund } from '#pipeline/demo/ordering';
import { between, pick, uuid } from '#pipeline/demo/random';

export interface World {
  seed: number;
  firstDay: number;
  /** The last whole day of the data. */
  lastDay: number;
  /** Persons in the market. */
  customers: number;
  /** Channels that this world does without. */
  removed: ReadonlySet<Part>;
}

/** A word that reached somebody: on which day, and with which code, if any. */
export interface Word {
  day: number;
  code: string | undefined;
}

interface Need {
  category: Category;
  start: number;
  end: number;
  /** How far they are toward buying here. */
  interest: number;
  lastVisit: number;
  quotedOn: number | undefined;
}

type Step =
  | { day: number; what: 'month' | 'mailing' | 'agent' | 'need day' | 'decide' }
  | { day: number; what: 'need'; category: Category }
  | { day: number; what: 'word'; word: Word }
  | { day: number; what: 'survey' | 'support'; order: Order };

/** How much one visit that began so moves somebody who has the need. */
const lift: Record<Entry['way'] | CampaignKey, number> = {
  campaign: 0.4,
  brand: 0.42,
  heating: 0.42,
  parts: 0.45,
  video: 0.25,
  prospecting: 0.04,
  retargeting: 0.06,
  'organic-search': 0.42,
  'organic-social': 0.15,
  comparison: 0.75,
  direct: 0.5,
  referral: 0.3,
  email: 0.4,
};

/** Days that a need lasts, the share of them on which somebody looks for help, and the daily chance that a rival sells first. */
const needs: Record<Category, { days: readonly [number, number]; search: number; rival: number; buys: number }> = {
  unit: { days: [28, 75], search: 0.14, rival: 0.024, buys: 0 },
  maintenance: { days: [10, 30], search: 0.12, rival: 0.05, buys: 0.2 },
  part: { days: [4, 16], search: 0.24, rival: 0.1, buys: 0.24 },
};

/** Every fourth Thursday. */
export function mailingDays(world: Pick<World, 'firstDay' | 'lastDay'>): number[] {
  const days: number[] = [];
  for (let day = world.firstDay; day <= world.lastDay; day++)
    if (weekday(day) === 4 && Math.floor(day / 7) % 4 === 0) days.push(day);
  return days;
}

export function mailingName(day: number): string {
  return `newsletter-${isoDay(day)}`;
}

/**
 * Lives one person's two years, telling every fact as it happens.
 * @param heard what others have told this person.
 * @param tell hands a recommendation on to a person with a higher number, who has not lived yet.
 * @returns the channels that had a part in it. Without any other the same person would have lived the same life.
 */
export function live(
  person: Person,
  world: World,
  mailings: readonly number[],
  facts: Facts,
  heard: readonly Word[],
  tell: (friend: number, word: Word) => void,
): ReadonlySet<Part> {
  const { draw } = person;
  const { firstDay, lastDay, removed, seed } = world;
  const isTrade = person.kind === 'trade';
  // Asked last, once everything else has come about: so `met` tells without which channels this life would be another.
  const met = new Set<Part>();
  const has = (part: Part) => {
    met.add(part);
    return !removed.has(part);
  };
  const steps: Step[] = [];
  const schedule = (step: Step) => {
    if (step.day > lastDay || step.day < firstDay) return;
    let at = steps.length;
    while (at > 0 && (steps[at - 1]?.day ?? 0) > step.day) at--;
    steps.splice(at, 0, step);
  };

  const userId = `C${100_000 + person.number}`;
  const crmId = `K-${50_000 + person.number}`;
  const cardNumber = `OE${String(7_000_000 + person.number)}`;

  // What is known of us, fading by half in 45 days; a content customer never forgets us quite.
  let known = person.oldCustomerSince === undefined ? 0 : 0.9 * person.content;
  let knownOn = firstDay;
  let floor = known * 0.6;
  let need: Need | undefined;
  let openDeal: Deal | undefined;
  let orders = 0;
  let hasAccount = person.oldCustomerSince !== undefined && draw('old account') < 0.5;
  let card =
    person.oldCustomerSince !== undefined && person.nearShop && draw('old card') < 0.6 ? cardNumber : undefined;
  let isSubscribed = person.oldCustomerSince !== undefined && draw('old subscriber') < 0.55;
  let crm: CrmContact | undefined;
  let saidBy: Word | undefined;
  let mailFatigue = 0;
  const cookies = new Map<number, { turn: number; lastDay: number }>();
  const clicks: { campaign: CampaignKey; day: number }[] = [];
  let counter = 0;
  const nextId = () => `${100_000 + person.number}-${++counter}`;

  const familiarity = (day: number) => floor + (known - floor) * 2 ** (-Math.max(0, day - knownOn) / 45);
  const learn = (day: number, amount: number) => {
    known = Math.min(2.5, familiarity(day) + amount);
    knownOn = day;
  };
  const secondOf = (purpose: string, day: number) => {
    const hours = isTrade ? 7 + 11 * draw(purpose, day) : 7.5 + 14.5 * Math.sqrt(draw(purpose, day));
    return Math.floor(hours * 3600);
  };
  const enterCrm = (day: number, second: number, origin: CrmContact['origin'], webVisitor?: string) => {
    if (crm !== undefined) return;
    crm = {
      person,
      crmId,
      createdDay: day,
      createdSecond: second,
      updatedDay: day,
      origin: saidBy !== undefined && draw('says who sent them') < 0.75 ? 'passaparola' : origin,
      userId: undefined,
      card: undefined,
      customerSince: person.oldCustomerSince,
      newsletter: false,
      friendCode: saidBy?.code,
      webVisitor,
    };
  };
  const claim = (day: number, value: number) => {
    for (const { key } of campaignList) {
      const last = clicks.findLast((click) => click.campaign === key);
      if (last !== undefined && day - last.day <= 30) facts.claim?.({ campaign: key, day: last.day, value });
    }
  };

  const buy = (day: number, second: number, category: Category, route: Order['route'], ofDeal = false): Order => {
    if (route === 'web' && (isTrade || draw('opens account', day) < 0.6)) hasAccount = true;
    if (route === 'store' && card === undefined && draw('takes card', day) < 0.55) card = cardNumber;
    if (route === 'phone' || route === 'agent') enterCrm(day, second, route === 'agent' ? 'agente' : 'telefono');
    const order = makeOrder({
      person,
      day,
      second,
      id: route === 'store' ? `S${nextId()}` : `OE${nextId()}`,
      category,
      route,
      isFirst: orders === 0 && person.oldCustomerSince === undefined,
      userId: route === 'web' && hasAccount ? userId : undefined,
      crmId: ofDeal || route === 'phone' || route === 'agent' ? crmId : undefined,
      card: route === 'store' ? card : undefined,
    });
    orders += 1;
    facts.order(order);
    claim(day, order.net);
    if (crm !== undefined) crm.updatedDay = day;
    const refund = makeRefund(order);
    if (refund !== undefined && refund.day <= lastDay) facts.refund(refund);
    need = undefined;
    const isGlad = draw('glad', day) < person.content;
    floor = isGlad ? 0.75 * person.content : 0;
    learn(day, isGlad ? 0.8 : -0.5);
    if (draw('subscribes at order', day) < 0.5) isSubscribed = true;
    schedule({ day: day + between(12, 48, draw('survey in', day)), what: 'survey', order });
    if (draw('asks for help', day) < (category === 'unit' ? 0.4 : 0.07))
      schedule({ day: day + between(20, 160, draw('help in', day)), what: 'support', order });
    if (!isTrade && isGlad) {
      if (category === 'unit' || (category === 'maintenance' && draw('goes on', day) < 0.75))
        schedule({ day: day + between(310, 385, draw('maintenance in', day)), what: 'need', category: 'maintenance' });
      if (draw('needs parts', day) < 0.5)
        schedule({ day: day + between(25, 260, draw('parts in', day)), what: 'need', category: 'part' });
    }
    // Who is glad tells somebody; the friend has a higher number, so that lives can be lived one after the other.
    if (isGlad && draw('tells', day) < (category === 'unit' ? 0.4 : 0.1) && has('word_of_mouth')) {
      const friend = person.number + between(1, 300, draw('friend', day));
      const toldOn = day + between(4, 45, draw('tells in', day));
      const usesCode = draw('code', day) < 0.55;
      if (friend < world.customers && toldOn <= lastDay) {
        const code = usesCode ? `AMICO-${order.id}` : undefined;
        tell(friend, { day: toldOn, code });
        if (code !== undefined) {
          enterCrm(day, second, 'cliente storico');
          facts.recommendation?.({ person, day: toldOn, second: secondOf('recommends', day), id: code, crmId, friend });
        }
      }
    }
    return order;
  };

  const openDealOf = (day: number, second: number, origin: CrmContact['origin'], webVisitor?: string) => {
    if (openDeal !== undefined || need === undefined) return;
    enterCrm(day, second, origin, webVisitor);
    need.quotedOn = day;
    need.end = Math.max(need.end, day + 50);
    openDeal = {
      person,
      day: day + 1,
      second: 9 * 3600 + between(0, 7 * 3600, draw('deal hour', day)),
      id: `T-${nextId()}`,
      crmId,
      amount: 0,
    };
    schedule({ day: day + between(8, 34, draw('decides in', need.start)), what: 'decide' });
  };

  const decide = (day: number) => {
    const deal = openDeal;
    const wanted = need;
    openDeal = undefined;
    if (deal === undefined) return;
    const second = secondOf('decision', day);
    const interest = wanted?.interest ?? 0;
    const chance = 0.4 * (1 - Math.exp(-0.42 * interest * person.ease)) * (0.8 + 0.4 * Math.min(1, familiarity(day)));
    if (wanted === undefined || draw('decision', deal.day) >= chance) {
      facts.deal?.({ ...deal, amount: 250_000, closed: { day, second, won: false } });
      need = undefined;
      return;
    }
    const byAgent = person.hasAgent && has('field_sales');
    const route = byAgent ? 'agent' : draw('signs by phone', deal.day) < 0.6 && has('phone') ? 'phone' : 'web';
    const order = buy(day, second, wanted.category, route, true);
    facts.deal?.({ ...deal, amount: order.net, closed: { day, second: second - 600, won: true, orderId: order.id } });
  };

  const browse = (day: number, entry: Entry, turn: number) => {
    const campaign = entry.way === 'campaign' ? entry.campaign : undefined;
    const second = Math.min(secondOf(`visit ${turn}`, day), 22 * 3600);
    const device = pick(person.devices, draw('device', day, turn) ** (isTrade ? 0.7 : 1.5));
    const cookie = cookies.get(device.number) ?? { turn: 0, lastDay: day };
    if (day - cookie.lastDay > device.cookieDays) cookie.turn += 1;
    cookie.lastDay = day;
    cookies.set(device.number, cookie);
    const anonymousId = uuid(draw, 'cookie', device.number, cookie.turn);
    // The form on the site hands the cookie on to the CRM, where there is one.
    const knowsCookie = !person.blocksTracking && person.allowsAnalytics;
    if (campaign !== undefined) clicks.push({ campaign, day });
    const isAdInFeed = campaign === 'prospecting' || campaign === 'retargeting';
    const stays = (isAdInFeed ? 0.15 : 0.45) + (need === undefined ? 0 : 0.3) + 0.1 * Math.min(1, familiarity(day));
    const isBounce = draw('stays', day, turn) >= stays;
    const pages = isBounce
      ? 1
      : 2 + Math.floor(-Math.log(1 - draw('pages', day, turn)) * (need === undefined ? 1 : 1.9));
    learn(day, (isBounce ? 0.06 : 0.22) * (isAdInFeed ? 0.2 : 1));
    let outcome: 'quote' | 'sign-up' | undefined;
    let order: Order | undefined;
    if (need !== undefined && !isBounce) {
      need.interest += lift[campaign ?? entry.way] * person.ease;
      need.lastVisit = day;
      const asks = need.category === 'unit' || (isTrade && draw('project', need.start) < 0.08);
      if (
        asks &&
        openDeal === undefined &&
        draw('asks for a quote', day, turn) < 0.26 * (1 - Math.exp(-need.interest))
      ) {
        outcome = 'quote';
        openDealOf(day, second + 600, 'sito', knowsCookie ? anonymousId : undefined);
      } else if (
        !asks &&
        draw('buys', day, turn) < needs[need.category].buys * (1 - Math.exp(-1.1 * need.interest)) * (isTrade ? 1.8 : 1)
      ) {
        order = buy(day, second + 60 * pages, need.category, 'web');
      }
    }
    if (
      outcome === undefined &&
      order === undefined &&
      !isBounce &&
      !isSubscribed &&
      draw('signs up', day, turn) < 0.035
    ) {
      outcome = 'sign-up';
      isSubscribed = true;
    }
    const logsIn = order?.userId !== undefined || (hasAccount && draw('logs in', day, turn) < (isTrade ? 0.65 : 0.38));
    if (person.blocksTracking) return;
    facts.visit?.({
      person,
      day,
      second,
      device,
      anonymousId,
      entry,
      pages: order === undefined ? Math.min(pages, 14) : Math.max(pages, 3),
      topic: need?.category ?? order?.category ?? pick(['unit', 'maintenance', 'part'], draw('topic', day, turn)),
      ...(logsIn ? { userId } : {}),
      ...(outcome === undefined ? {} : { outcome }),
      ...(order !== undefined && draw('browser tells', day) < 0.85 ? { order } : {}),
      consent: person.allowsAnalytics,
    });
  };

  /** Somebody who already has us in mind looks for the way to us: the ad above our own name is the nearest door, not the only one. */
  const comeByName = (day: number) => {
    const how = draw('by name', day);
    if (how < 0.3) return browse(day, { way: 'direct' }, 1);
    const sees = draw('brand ad', day) < 0.6 * Math.min(1.15, presence(campaigns.brand, day, seed));
    if (sees && has('brand_search')) return browse(day, { way: 'campaign', campaign: 'brand' }, 1);
    // Without our ad a rival's stands above our name; few are caught by it.
    if (sees && draw('rival above our name', day) < 0.02) return undefined;
    if (has('organic_search')) return browse(day, { way: 'organic-search' }, 1);
    return draw('types the address', day) < 0.8 ? browse(day, { way: 'direct' }, 1) : undefined;
  };

  const search = (day: number, category: Category) => {
    const campaign = category === 'unit' ? campaigns.heating : campaigns.parts;
    if (draw('recalls us', day) < 1 - Math.exp(-0.9 * familiarity(day))) return comeByName(day);
    const clicksAd =
      draw('clicks generic ad', day) <
      (category === 'unit' ? 0.42 : 0.27) * Math.min(1.4, presence(campaign, day, seed));
    if (clicksAd && has('generic_search')) return browse(day, { way: 'campaign', campaign: campaign.key }, 2);
    const findsUs = draw('finds us unpaid', day) < (clicksAd ? 0.2 : 0.14);
    if (findsUs && has('organic_search')) return browse(day, { way: 'organic-search' }, 2);
    return undefined;
  };

  const watch = (day: number, isInNeed: boolean, usual: number) => {
    if (person.watchesVideo === 0) return;
    const shown = presence(campaigns.video, day, seed);
    if (shown === 0 || draw('sees video', day) >= usual * person.watchesVideo * shown || !has('paid_video')) return;
    learn(day, 0.42);
    clicks.push({ campaign: 'video', day });
    if (need !== undefined) need.interest += 0.1 * person.ease;
    if (draw('clicks video', day) < (isInNeed ? 0.16 : 0.06)) browse(day, { way: 'campaign', campaign: 'video' }, 3);
  };

  const scroll = (day: number, isInNeed: boolean, usual: number) => {
    if (person.usesSocial === 0) return;
    const shown = presence(campaigns.prospecting, day, seed);
    if (draw('sees social ad', day) < usual * person.usesSocial * shown && has('social_prospecting')) {
      learn(day, 0.01);
      if (draw('clicks social ad', day) < (isInNeed ? 0.2 : 0.13))
        browse(day, { way: 'campaign', campaign: 'prospecting' }, 4);
    }
    const isRecent = need !== undefined && day - need.lastVisit <= 14 && day > need.lastVisit;
    const followed = 0.05 * person.usesSocial * presence(campaigns.retargeting, day, seed);
    if (isRecent && draw('retargeted', day) < followed) {
      // The ad follows who is about to come back: many would have come that day by themselves, and looked more closely.
      if (has('social_retargeting')) browse(day, { way: 'campaign', campaign: 'retargeting' }, 5);
      else if (draw('comes back without the ad', day) < 0.4) comeByName(day);
    }
    if (draw('sees our post', day) < usual * 0.12 * (person.follows ? 6 : 0.35) && has('organic_social'))
      browse(day, { way: 'organic-social' }, 6);
  };

  const call = (day: number) => {
    const second = 9 * 3600 + Math.floor(draw('call hour', day) * 8.5 * 3600);
    learn(day, 0.3);
    facts.call?.({
      person,
      day,
      second,
      id: `T${nextId()}`,
      number: person.withholdsNumber || draw('other phone', day) < 0.08 ? undefined : person.phone,
      queue: 'vendite',
      seconds: 60 + Math.floor(draw('call length', day) * 600),
    });
    if (need === undefined) return;
    need.interest += 0.8 * person.ease;
    if (need.category === 'unit') {
      if (draw('quote by phone', day) < 0.4) openDealOf(day, second + 900, 'telefono');
    } else if (draw('orders by phone', day) < 0.42 * (1 - Math.exp(-need.interest))) {
      buy(day, second + 900, need.category, 'phone');
    }
  };

  const goToShop = (day: number) => {
    const second = 9 * 3600 + Math.floor(draw('shop hour', day) * 9 * 3600);
    learn(day, 0.35);
    if (need === undefined) return;
    need.interest += 0.85 * person.ease;
    if (need.category !== 'unit' && draw('buys in shop', day) < 0.6 * (1 - Math.exp(-need.interest))) {
      buy(day, second, need.category, 'store');
      return;
    }
    facts.shopVisit?.({
      person,
      day,
      second,
      id: `V${nextId()}`,
      card,
      reason: need.category === 'unit' ? 'preventivo' : 'informazioni',
    });
    if (need.category === 'unit' && draw('quote in shop', day) < 0.4) openDealOf(day, second + 1200, 'negozio');
  };

  const liveNeedDay = (day: number) => {
    const wanted = need;
    if (wanted === undefined) return;
    const { search: searchRate, rival } = needs[wanted.category];
    const isLost = openDeal === undefined && draw('rival', day) < rival / (1 + 0.5 * wanted.interest);
    if (isLost || day > wanted.end) {
      need = undefined;
      return;
    }
    const isOn = () => need === wanted;
    const comes = (purpose: string, chance: number, part: Part) => isOn() && draw(purpose, day) < chance && has(part);
    const mind = () => familiarity(day);
    watch(day, true, 0.055);
    if (isOn()) scroll(day, true, 0.09);
    if (isOn() && draw('searches', day) < searchRate) search(day, wanted.category);
    if (person.comparesPrices && wanted.category !== 'part' && comes('compares', 0.05, 'comparison'))
      browse(day, { way: 'comparison' }, 7);
    if (isOn() && draw('comes back by itself', day) < 0.055 * Math.min(1.6, mind())) comeByName(day);
    if (comes('calls', 0.03 * Math.min(1.3, mind()) * (isTrade ? 1.3 : 1), 'phone')) call(day);
    if (person.nearShop && comes('goes to the shop', 0.035 * (0.25 + Math.min(1.2, mind())), 'store')) goToShop(day);
    if (isOn() || (need === undefined && openDeal !== undefined)) schedule({ day: day + 1, what: 'need day' });
  };

  const beginNeed = (day: number, category: Category) => {
    if (need !== undefined) return;
    const [least, most] = needs[category].days;
    need = {
      category,
      start: day,
      end: day + between(least, most, draw('need lasts', day)),
      interest: orders > 0 || person.oldCustomerSince !== undefined ? 0.35 * floor : 0,
      lastVisit: Number.NEGATIVE_INFINITY,
      quotedOn: undefined,
    };
    schedule({ day, what: 'need day' });
  };

  const receiveMailing = (day: number) => {
    if (!isSubscribed || !has('email')) return;
    const mailing = mailingName(day);
    const sent = 9 * 3600 + (person.number % 1800);
    const opens = draw('opens mail', day) < 0.36 * (1 - mailFatigue);
    const clicksMail = opens && draw('clicks mail', day) < (need === undefined ? 0.05 : 0.3);
    const opened = sent + 600 + Math.floor(draw('opens in', day) * 9 * 3600);
    const clicked = opened + 40;
    facts.mail?.({
      person,
      day,
      second: sent,
      id: `M${100_000 + person.number}-${day}`,
      mailing,
      ...(opens ? { opened } : {}),
      ...(clicksMail ? { clicked } : {}),
    });
    if (opens) learn(day, 0.08);
    // A mailing reminds some of what they have put off.
    if (opens && need === undefined && draw('is reminded', day) < 0.012)
      beginNeed(day, [9, 10].includes(monthNumber(day)) ? 'maintenance' : 'part');
    if (clicksMail) browse(day, { way: 'email', mailing }, 8);
    mailFatigue = Math.min(0.5, mailFatigue + 0.015);
    if (draw('unsubscribes', day) < 0.004) isSubscribed = false;
  };

  const visitOfAgent = (day: number, turn: number) => {
    schedule({ day: day + between(35, 70, draw('agent returns in', turn)), what: 'agent' });
    if (!has('field_sales')) return;
    const second = 9 * 3600 + Math.floor(draw('agent hour', day) * 8 * 3600);
    enterCrm(day, second, 'agente');
    facts.agentVisit?.({ person, day, second, id: `A${nextId()}`, crmId });
    learn(day, 0.55);
    if (need === undefined) {
      // On the spot an agent finds work that would have gone to the usual wholesaler.
      if (draw('agent finds work', day) < 0.16)
        beginNeed(day, draw('agent finds a unit', day) < 0.22 ? 'unit' : 'part');
      else return;
    }
    const wanted: Need | undefined = need;
    if (wanted === undefined) return;
    wanted.interest += 1.1 * person.ease;
    if (wanted.category === 'unit') openDealOf(day, second + 1800, 'agente');
    else if (draw('orders with agent', day) < 0.4) buy(day, second + 1800, wanted.category, 'agent');
  };

  const liveMonth = (day: number) => {
    // Outside any need people meet us by chance, and some read what we write.
    const on = (days: number) => day + days;
    watch(on(2), false, 0.2);
    scroll(on(4), false, 0.4);
    const idle = draw('idle visit', day);
    if (idle < 0.022) {
      if (has('organic_search')) browse(on(6), { way: 'organic-search' }, 9);
    } else if (idle < 0.03) browse(on(6), { way: 'referral' }, 9);
    else if (orders > 0 && idle < 0.12) browse(on(6), { way: 'direct' }, 9);
  };

  if (person.oldCustomerSince !== undefined) enterCrm(firstDay, 6 * 3600, 'cliente storico');
  if (isTrade) {
    let day = firstDay + Math.floor(draw('first project') * person.rhythm);
    for (let turn = 0; day <= lastDay; turn++) {
      schedule({ day, what: 'need', category: draw('trade unit', turn) < 0.05 ? 'unit' : 'part' });
      day += Math.max(5, Math.round(person.rhythm * (0.4 + 1.2 * draw('next project', turn))));
    }
  } else {
    const span = lastDay - firstDay + 1;
    const likelihoods = [0.62, 0.3, 0.12] as const;
    likelihoods.forEach((likelihood, turn) => {
      if (draw('has need', turn) >= likelihood * Math.min(1, 0.25 + (0.75 * span) / 730)) return;
      let day = firstDay + Math.floor(draw('need day', turn) * span);
      // Needs come with the seasons: a day out of season is drawn again.
      for (let attempt = 1; attempt < 6 && draw('in season', turn, attempt) * 1.5 > season(day); attempt++)
        day = firstDay + Math.floor(draw('need day', turn, attempt) * span);
      const kind = draw('category', turn);
      schedule({ day, what: 'need', category: kind < 0.27 ? 'unit' : kind < 0.55 ? 'maintenance' : 'part' });
    });
  }
  if (person.hasAgent) schedule({ day: firstDay + between(0, 200, draw('agent comes first')), what: 'agent' });
  for (let day = firstDay; day <= lastDay - 8; day += 30) schedule({ day, what: 'month' });
  for (const day of mailings) schedule({ day, what: 'mailing' });
  for (const word of heard) schedule({ day: word.day, what: 'word', word });

  let agentVisits = 0;
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    const { day } = step;
    switch (step.what) {
      case 'need':
        beginNeed(day, step.category);
        break;
      case 'need day':
        liveNeedDay(day);
        break;
      case 'decide':
        decide(day);
        break;
      case 'month':
        liveMonth(day);
        break;
      case 'mailing':
        receiveMailing(day);
        break;
      case 'agent':
        visitOfAgent(day, agentVisits++);
        break;
      case 'word':
        saidBy ??= step.word;
        learn(day, 1.3);
        if (need === undefined && draw('word wakes a need', day) < 0.3)
          beginNeed(day, draw('word of a unit', day) < 0.4 ? 'unit' : 'part');
        if (draw('word brings a visit', day) < 0.5) comeByName(day);
        break;
      case 'survey':
        if (draw('answers survey', day) < 0.26)
          facts.answer?.({
            person,
            day,
            second: secondOf('answers', day),
            id: `N${nextId()}`,
            orderId: step.order.id,
            score: Math.max(0, Math.min(10, Math.round(11.4 * person.content + 3.4 * (draw('score', day) - 0.4)))),
          });
        break;
      case 'support':
        facts.call?.({
          person,
          day,
          second: 9 * 3600 + Math.floor(draw('support hour', day) * 8 * 3600),
          id: `T${nextId()}`,
          number: person.withholdsNumber ? undefined : person.phone,
          queue: 'assistenza',
          seconds: 120 + Math.floor(draw('support length', day) * 900),
        });
        break;
    }
  }
  if (openDeal !== undefined && openDeal.day <= lastDay) facts.deal?.({ ...openDeal, amount: 300_000 });
  if (crm !== undefined)
    facts.crmContact?.({ ...crm, userId: hasAccount ? userId : undefined, card, newsletter: isSubscribed });
  return met;
}
