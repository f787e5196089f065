import { instantOf } from '#pipeline/demo/calendar';
import { campaigns } from '#pipeline/demo/campaigns';
import type { Category } from '#pipeline/demo/catalogue';
import { amount } from '#pipeline/demo/export-text';
import type { Visit } from '#pipeline/demo/facts';
import { pickWeighted, stream, uuid } from '#pipeline/demo/random';

export const ownSite = 'https://www.officine-esempio.example';
/** As a public key in a web page: it lets nobody in, it names the source. */
export const webWriteKey = 'demo-web-key';

const pagesOf: Record<Category, readonly [string, string][]> = {
  unit: [
    ['/pompe-di-calore', 'Pompe di calore'],
    ['/pompe-di-calore/10-kw', 'Pompa di calore 10 kW'],
    ['/caldaie/condensazione', 'Caldaie a condensazione'],
    ['/incentivi', 'Incentivi e detrazioni'],
    ['/recensioni', 'Che cosa dicono i clienti'],
  ],
  maintenance: [
    ['/manutenzione', 'Manutenzione'],
    ['/manutenzione/annuale', 'Manutenzione annuale'],
    ['/contatti', 'Contatti'],
  ],
  part: [
    ['/ricambi', 'Ricambi'],
    ['/ricambi/filtri', 'Filtri'],
    ['/ricambi/circolatori', 'Circolatori'],
    ['/carrello', 'Carrello'],
  ],
};

interface Landing {
  query: string;
  referrer: string;
}

function token(visit: Visit, purpose: string): string {
  return uuid(visit.person.draw, purpose, visit.day, visit.second).replaceAll('-', '');
}

/** How the address and the referrer tell of the way somebody came. */
function landingOf(visit: Visit): Landing {
  const { entry, day, second } = visit;
  const chance = (purpose: string) => visit.person.draw(purpose, day, second);
  const query = (fields: Record<string, string>) => `?${new URLSearchParams(fields).toString()}`;
  switch (entry.way) {
    case 'campaign': {
      const { platform, utm, spellings } = campaigns[entry.campaign];
      const tagged = {
        utm_source: utm.source,
        utm_medium: utm.medium,
        utm_campaign: pickWeighted(spellings, chance('spelling')),
      };
      if (platform === 'meta') {
        const referrer = utm.source === 'instagram' ? 'https://l.instagram.com/' : 'https://l.facebook.com/';
        return { query: query({ ...tagged, fbclid: `IwZX${token(visit, 'fbclid')}` }), referrer };
      }
      const gclid = `Cj0K${token(visit, 'gclid')}`;
      if (entry.campaign === 'video')
        return { query: query({ ...tagged, gclid }), referrer: 'https://www.youtube.com/' };
      // Some ads are tagged by the platform alone.
      const isAuto = chance('auto tagged') < 0.08;
      return { query: query(isAuto ? { gclid } : { ...tagged, gclid }), referrer: 'https://www.google.com/' };
    }
    case 'organic-search':
      return {
        query: '',
        referrer: pickWeighted(
          [
            ['https://www.google.com/', 88],
            ['https://www.bing.com/', 8],
            ['https://duckduckgo.com/', 4],
          ],
          chance('search site'),
        ),
      };
    case 'organic-social':
      return {
        query: query({ fbclid: `IwAR${token(visit, 'fbclid')}` }),
        referrer: chance('social site') < 0.6 ? 'https://l.instagram.com/' : 'https://m.facebook.com/',
      };
    case 'comparison':
      return {
        query: chance('tagged') < 0.8 ? query({ utm_source: 'confrontaclima', utm_medium: 'referral' }) : '',
        referrer: 'https://www.confrontaclima.example/',
      };
    case 'email':
      return {
        query: query({ utm_source: 'newsletter', utm_medium: 'email', utm_campaign: entry.mailing }),
        referrer: '',
      };
    case 'referral':
      return { query: '', referrer: 'https://blog-casa.example/articoli/risparmiare-sul-riscaldamento' };
    case 'direct':
      return { query: '', referrer: '' };
  }
}

export interface SdkBatch {
  /** When the first message happened, ms. */
  at: number;
  messages: number;
  line: string;
}

/**
 * One visit as the browser SDK sends it: page views, who logged in, what was asked for, and the browser's own copy of an
 * order, as one batch.
 * @param wrongRevenue cents that the browser's copy of the order is off.
 */
export function sdkBatch(visit: Visit, wrongRevenue = 0): SdkBatch {
  const { person, day, outcome, order } = visit;
  const begin = instantOf(day, visit.second);
  const landing = landingOf(visit);
  const pages = pagesOf[visit.topic];
  const isHome = visit.entry.way === 'direct' || (visit.entry.way === 'campaign' && visit.entry.campaign === 'brand');
  const messages: object[] = [];
  let at = begin;
  let userId: string | null = null;
  let referrer = landing.referrer;
  let page: object = {};
  const message = (type: string, fields: object) => {
    const turn = messages.length;
    messages.push({
      type,
      messageId: `ajs-next-${at}-${uuid(person.draw, 'message', day, visit.second * 64 + turn)}`,
      timestamp: new Date(at).toISOString(),
      anonymousId: visit.anonymousId,
      userId,
      context: {
        page,
        userAgent: visit.device.userAgent,
        locale: 'it-IT',
        library: { name: 'analytics.js', version: 'npm:next-1.84.3' },
        ...(visit.consent ? {} : { consent: { categoryPreferences: { Analytics: false, Advertising: false } } }),
      },
      ...fields,
    });
  };
  for (let number = 0; number < visit.pages; number++) {
    const [path, title] =
      number === 0 && isHome
        ? ['/', 'Officine Esempio']
        : (pages[(number + visit.second) % pages.length] ?? ['/', 'Officine Esempio']);
    const search = number === 0 ? landing.query : '';
    page = { path, referrer, search, title, url: `${ownSite}${path}${search}` };
    message('page', { name: title, properties: page });
    referrer = `${ownSite}${path}${search}`;
    at += 8000 + Math.floor(person.draw('reads', day, visit.second + number) * 70_000);
    if (number === 0 && visit.userId !== undefined) {
      userId = visit.userId;
      message('identify', { traits: {} });
      at += 1000;
    }
  }
  if (outcome === 'quote') message('track', { event: 'Quote Requested', properties: { topic: visit.topic } });
  if (outcome === 'sign-up') message('track', { event: 'Signed Up', properties: { list: 'newsletter' } });
  if (order !== undefined)
    message('track', {
      event: 'Order Completed',
      properties: {
        order_id: order.id,
        revenue: Number(amount(order.net + wrongRevenue)),
        tax: Number(amount(order.tax)),
        shipping: Number(amount(order.shipping)),
        total: Number(amount(order.net + order.shipping + order.tax)),
        currency: 'EUR',
        products: order.lines.map((line) => ({
          sku: line.product.sku,
          name: line.product.name,
          price: Number(amount(line.product.price)),
          quantity: line.quantity,
        })),
      },
    });
  return { at: begin, messages: messages.length, line: batchLine(messages, at + 1500) };
}

export function batchLine(messages: readonly object[], sentAt: number): string {
  return JSON.stringify({ batch: messages, writeKey: webWriteKey, sentAt: new Date(sentAt).toISOString() });
}

const crawler = 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)';

/** A crawler that runs our script: twenty page views a batch. */
export function crawlerBatches(seed: number, day: number, views: number): SdkBatch[] {
  const draw = stream(seed, 'crawler');
  const pages = Object.values(pagesOf).flat();
  const batches: SdkBatch[] = [];
  for (let first = 0; first < views; first += 20) {
    const begin = instantOf(day, 8 * 3600 + first * 6);
    const messages = Array.from({ length: Math.min(20, views - first) }, (_, turn) => {
      const at = begin + turn * 2000;
      const [path, title] = pages[(first + turn) % pages.length] ?? ['/', 'Officine Esempio'];
      const page = { path, referrer: '', search: '', title, url: `${ownSite}${path}` };
      return {
        type: 'page',
        messageId: `ajs-next-${at}-${uuid(draw, 'message', day, first + turn)}`,
        timestamp: new Date(at).toISOString(),
        anonymousId: uuid(draw, 'cookie', day, Math.floor(first / 200)),
        userId: null,
        name: title,
        properties: page,
        context: {
          page,
          userAgent: crawler,
          locale: 'en-US',
          library: { name: 'analytics.js', version: 'npm:next-1.84.3' },
        },
      };
    });
    batches.push({ at: begin, messages: messages.length, line: batchLine(messages, begin + 60_000) });
  }
  return batches;
}
