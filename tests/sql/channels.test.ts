import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Arrival, at, companyBuilder, modelCatalogue, visit } from './company-on-duckdb.ts';

const build = companyBuilder();

type Touch = NonNullable<Arrival['touch']>;
/** Channel, and source / medium where they matter, of a session that begins with this traffic. */
type Case = [expected: string, name: string, touch: Touch];

const page = (query: string) => ({ landing_page: `https://www.esempio.it/p?${query}` });

const cases: Case[] = [
  // one for each rule
  ['Direct (direct) (none)', 'nothing known', {}],
  ['Direct (direct) (none)', 'source (direct) and medium (none)', { source: '(direct)', medium: '(none)' }],
  ['Direct (direct) (not set)', 'source (direct) and medium (not set)', { source: '(direct)', medium: '(not set)' }],
  [
    'Cross-network google cpc',
    'campaign with cross-network',
    { source: 'google', medium: 'cpc', campaign: 'X Cross-Network 1' },
  ],
  ['Comparison Site trovaprezzi.it cpc', 'a comparison site, though paid', { source: 'trovaprezzi.it', medium: 'cpc' }],
  ['Comparison Site partner comparison', 'medium comparison', { source: 'partner', medium: 'comparison' }],
  [
    'Comparison Site partner price comparison',
    'medium price comparison',
    { source: 'partner', medium: 'Price Comparison' },
  ],
  ['Paid Shopping amazon.it cpc', 'a shopping site and paid', { source: 'amazon.it', medium: 'cpc' }],
  [
    'Paid Shopping google cpc',
    'a shopping campaign and paid',
    { source: 'google', medium: 'cpc', campaign: 'IT_Shopping_2' },
  ],
  ['Paid Search google cpc', 'a search site and paid', { source: 'google', medium: 'cpc' }],
  ['Paid Search bing ppc', 'ppc is paid', { source: 'bing', medium: 'PPC' }],
  ['Paid Search google cpm', 'a search site with cpm is paid search', { source: 'google', medium: 'cpm' }],
  ['Paid Social facebook paid_social', 'a social site and paid', { source: 'facebook', medium: 'paid_social' }],
  ['Paid Social facebook retargeting', 'retargeting is paid', { source: 'facebook', medium: 'retargeting' }],
  ['Paid Video youtube cpv', 'a video site with cpv, which holds "cp"', { source: 'youtube', medium: 'cpv' }],
  ['Display dv360 display', 'medium display', { source: 'dv360', medium: 'display' }],
  ['Display dv360 banner', 'medium banner', { source: 'dv360', medium: 'banner' }],
  ['Display dv360 cpm', 'cpm of an unknown site is display before paid other', { source: 'dv360', medium: 'cpm' }],
  ['Paid Other partner cpa-cpc', 'paid elsewhere', { source: 'partner', medium: 'cpa-cpc' }],
  ['Organic Shopping ebay.it post', 'a shopping site', { source: 'ebay.it', medium: 'post' }],
  ['Organic Shopping partner post', 'a shopping campaign', { source: 'partner', medium: 'post', campaign: 'shop now' }],
  [
    'Unassigned partner post',
    'a workshop is no shopping campaign',
    { source: 'partner', medium: 'post', campaign: 'workshop' },
  ],
  ['Organic Social instagram post', 'a social site', { source: 'instagram', medium: 'post' }],
  ['Organic Social partner sm', 'medium sm', { source: 'partner', medium: 'sm' }],
  ['Organic Social partner social network', 'medium social network', { source: 'partner', medium: 'Social Network' }],
  ['Organic Video vimeo post', 'a video site', { source: 'vimeo', medium: 'post' }],
  ['Organic Video partner in-video', 'medium with video', { source: 'partner', medium: 'in-video' }],
  ['Organic Search duckduckgo (none)', 'a search site', { source: 'duckduckgo' }],
  ['Organic Search partner organic', 'medium organic', { source: 'partner', medium: 'organic' }],
  [
    'Organic Search google email',
    'google and email: the search site comes first',
    { source: 'google', medium: 'email' },
  ],
  ['Referral partner referral', 'medium referral', { source: 'partner', medium: 'referral' }],
  ['Referral partner app', 'medium app', { source: 'partner', medium: 'app' }],
  ['Email newsletter e-mail', 'medium e-mail', { source: 'newsletter', medium: 'e-mail' }],
  ['Email email june', 'source email', { source: 'Email', medium: 'june' }],
  ['Affiliates awin affiliate', 'medium affiliate', { source: 'awin', medium: 'affiliate' }],
  ['Audio spotify audio', 'medium audio', { source: 'spotify', medium: 'audio' }],
  ['SMS sms (none)', 'source sms', { source: 'sms' }],
  ['SMS twilio sms', 'medium sms', { source: 'twilio', medium: 'sms' }],
  ['Mobile Push app-x webpush', 'medium that ends in push', { source: 'app-x', medium: 'webpush' }],
  [
    'Mobile Push app-x mobile-notification',
    'medium with notification',
    { source: 'app-x', medium: 'mobile-notification' },
  ],
  ['Mobile Push firebase (none)', 'source firebase', { source: 'firebase' }],
  ['Unassigned app-x pushed', 'medium that begins with push', { source: 'app-x', medium: 'pushed' }],
  ['Chat desk live chat', 'medium live chat', { source: 'desk', medium: 'live chat' }],
  ['Chat desk whatsapp', 'medium whatsapp', { source: 'desk', medium: 'whatsapp' }],
  ['Unassigned leaflet qr', 'what no rule knows', { source: 'leaflet', medium: 'qr' }],
  // pairs whose order matters
  [
    'Cross-network trovaprezzi.it cpc',
    'cross-network before comparison',
    { source: 'trovaprezzi.it', medium: 'cpc', campaign: 'cross-network' },
  ],
  [
    'Paid Shopping facebook cpc',
    'paid shopping before paid social',
    { source: 'facebook', medium: 'cpc', campaign: 'shopping' },
  ],
  ['Paid Social tiktok cpm', 'paid social before display', { source: 'tiktok', medium: 'cpm' }],
  ['Paid Video youtube cpm', 'paid video before display', { source: 'youtube', medium: 'cpm' }],
  ['Display google display', 'display before organic search', { source: 'google', medium: 'display' }],
  [
    'Organic Shopping facebook social',
    'organic shopping before organic social',
    { source: 'facebook', medium: 'social', campaign: 'shop' },
  ],
  ['Organic Social facebook video', 'organic social before organic video', { source: 'facebook', medium: 'video' }],
  ['Organic Video youtube organic', 'organic video before organic search', { source: 'youtube', medium: 'organic' }],
  ['Organic Social facebook referral', 'organic social before referral', { source: 'facebook', medium: 'referral' }],
  ['Organic Search google referral', 'organic search before referral', { source: 'google', medium: 'referral' }],
  ['Referral email referral', 'referral before email', { source: 'email', medium: 'referral' }],
  ['Email sms email', 'email before sms', { source: 'sms', medium: 'email' }],
  ['Affiliates firebase affiliate', 'affiliates before mobile push', { source: 'firebase', medium: 'affiliate' }],
  ['SMS firebase sms', 'sms before mobile push', { source: 'firebase', medium: 'sms' }],
  ['Mobile Push firebase chat', 'mobile push before chat', { source: 'firebase', medium: 'chat' }],
  // click identifiers
  ['Paid Search google cpc', 'gclid', page('gclid=1')],
  ['Paid Search google cpc', 'gbraid', page('gbraid=1')],
  ['Paid Search google cpc', 'wbraid', page('wbraid=1')],
  ['Paid Search bing cpc', 'msclkid', page('msclkid=1')],
  ['Paid Social tiktok paid_social', 'ttclid', page('ttclid=1')],
  ['Paid Social linkedin paid_social', 'li_fat_id', page('li_fat_id=1')],
  ['Paid Social twitter paid_social', 'twclid', page('twclid=1')],
  ['Organic Social facebook social', 'fbclid alone is not paid', page('fbclid=1')],
  [
    'Organic Social instagram social',
    'fbclid from Instagram',
    { ...page('fbclid=2'), referrer: 'https://l.instagram.com/' },
  ],
  ['Paid Social facebook cpc', 'fbclid with a paid medium', page('utm_source=facebook&utm_medium=cpc&fbclid=1')],
  ['Email news email', 'gclid where UTM says otherwise', page('utm_source=news&utm_medium=email&gclid=1')],
  ['Paid Search google cpc', 'gclid where UTM names the source only', page('utm_source=google&gclid=1')],
  ['Unassigned leaflet (none)', 'gclid where UTM names another source', page('utm_source=leaflet&gclid=1')],
  [
    'Paid Search google cpc',
    'gclid with an own referrer',
    { ...page('gclid=3'), referrer: 'https://shop.esempio.it/' },
  ],
  ['Paid Search google cpc', 'gclid from the search page', { ...page('gclid=4'), referrer: 'https://www.google.com/' }],
  // referrers
  ['Direct (direct) (none)', 'an own domain', { referrer: 'https://esempio.it/a' }],
  ['Direct (direct) (none)', 'an own subdomain', { referrer: 'https://www.shop.esempio.it/a' }],
  ['Referral notesempio.it referral', 'a domain that ends like an own one', { referrer: 'https://notesempio.it/a' }],
  ['Direct (direct) (none)', 'a payment provider', { referrer: 'https://www.paypal.com/checkout' }],
  ['Direct (direct) (none)', "a payment provider's subdomain", { referrer: 'https://hooks.stripe.com/x' }],
  ['Organic Search google organic', 'a search site', { referrer: 'https://www.google.it/' }],
  ['Organic Search yahoo organic', "a search site's subdomain", { referrer: 'https://de.yahoo.com/' }],
  [
    'Referral mail.google.com referral',
    'a mailbox of a search site is no search',
    { referrer: 'https://mail.google.com/mail' },
  ],
  ['Organic Social facebook social', 'a mobile social site', { referrer: 'https://m.facebook.com/x' }],
  ['Organic Video youtube referral', 'a video site', { referrer: 'https://www.youtube.com/watch' }],
  ['Comparison Site idealo referral', 'a comparison site', { referrer: 'https://www.idealo.it/x' }],
  ['Organic Shopping amazon referral', 'a market place', { referrer: 'https://www.amazon.it/x' }],
  ['Referral blog.example.org referral', 'an unknown site', { referrer: 'https://blog.example.org/post' }],
  [
    'Email news email',
    'UTM before the referrer',
    { referrer: 'https://www.google.it/', source: 'news', medium: 'email' },
  ],
  [
    'Unassigned leaflet (none)',
    "UTM's source before the referrer's medium",
    { referrer: 'https://www.google.it/2', source: 'leaflet' },
  ],
  // the company's own list of campaigns
  ['TV/Radio/Print leaflet qr', 'a campaign by its id', { source: 'leaflet', medium: 'qr', campaign_id: '77' }],
  [
    'Direct Mail leaflet qr',
    'a campaign by an alias, whatever its case',
    { source: 'leaflet', medium: 'qr', campaign: 'Spring Mailing' },
  ],
  ['Display google cpc', 'a campaign of one source', { source: 'google', medium: 'cpc', campaign: 'reach' }],
  ['Paid Search bing cpc', 'the same name at another source', { source: 'bing', medium: 'cpc', campaign: 'reach' }],
  [
    'Audio google cpc',
    "a campaign listed under the ad account's name of its source",
    { source: 'google', medium: 'cpc', campaign: 'waves' },
  ],
  [
    'Field Sales declared cpc',
    'a listed campaign before the channel that the event gives',
    { channel: 'Store', source: 'declared', medium: 'cpc', campaign: 'fair' },
  ],
  [
    'Store declared cpc',
    'the channel that the event gives before the rules',
    { channel: 'Store', source: 'declared', medium: 'cpc' },
  ],
  // the company's own rules
  [
    'Marketplace manomano.it cpc',
    'a rule of the company before the built-in ones',
    { source: 'manomano.it', medium: 'cpc' },
  ],
  [
    'Field Sales agent7 visit',
    'the first rule of the company that fits, whatever the case',
    { source: 'Agent7', medium: 'visit' },
  ],
  ['Event partner fair', 'the second rule of the company', { source: 'partner', medium: 'fair' }],
];

describe('the channel of a session', () => {
  let found: Map<string, string>;
  beforeAll(async () => {
    const company = await build({
      config: { web: { ownDomains: ['esempio.it'] } },
      lists: {
        campaigns: [
          { source: '', campaign_id: '77', alias: '', channel: 'TV/Radio/Print', campaign: 'Spot' },
          { source: '', campaign_id: '', alias: 'spring mailing', channel: 'Direct Mail', campaign: 'Mailing' },
          { source: 'google', campaign_id: '', alias: 'Reach', channel: 'Display', campaign: 'Reach' },
          { source: 'google_ads', campaign_id: '', alias: 'waves', channel: 'Audio', campaign: 'Waves' },
          { source: '', campaign_id: '', alias: 'fair', channel: 'Field Sales', campaign: 'Fair' },
        ],
        channelRules: [
          { channel: 'Marketplace', source: '^manomano', medium: '', campaign: '', site_category: '' },
          { channel: 'Field Sales', source: '^Agent[0-9]$', medium: '', campaign: '', site_category: '' },
          { channel: 'Event', source: '', medium: '^(fair|visit)$', campaign: '', site_category: '' },
        ],
      },
      events: cases.map(([, , touch], index) => visit(`v${index}`, at('2026-06-01'), touch, { event_id: `v${index}` })),
    });
    const rows = await company.query('select session_id, channel, source, medium from sessions');
    found = new Map(rows.map((row) => [String(row.session_id), `${row.channel} ${row.source} ${row.medium}`]));
  }, 60_000);

  test.each(cases.map(([expected, name], index) => [name, expected, index] as const))(
    '%s: %s',
    (_, expected, index) => {
      expect(found.get(`web/v${index}`)).toBe(expected);
    },
  );
});

/** The rules of definitions.md, written apart from the table: in their order, the first that fits names the channel. */
const paid = /^(.*cp.*|ppc|retargeting|paid.*)$/i;
const shop = /^(.*(([^a-df-z]|^)shop|shopping).*)$/i;
interface Traffic {
  source: string;
  medium: string;
  campaign: string;
  site: string;
}
const rules: [channel: string, fits: (traffic: Traffic) => boolean][] = [
  ['Direct', ({ source, medium }) => source === '(direct)' && ['', '(none)', '(not set)'].includes(medium)],
  ['Cross-network', ({ campaign }) => campaign.includes('cross-network')],
  [
    'Comparison Site',
    ({ site, medium }) =>
      site === 'comparison' ||
      ['comparison', 'comparison-site', 'comparison site', 'price comparison'].includes(medium),
  ],
  ['Paid Shopping', ({ site, medium, campaign }) => (site === 'shopping' || shop.test(campaign)) && paid.test(medium)],
  ['Paid Search', ({ site, medium }) => site === 'search' && paid.test(medium)],
  ['Paid Social', ({ site, medium }) => site === 'social' && paid.test(medium)],
  ['Paid Video', ({ site, medium }) => site === 'video' && paid.test(medium)],
  ['Display', ({ medium }) => ['display', 'banner', 'expandable', 'interstitial', 'cpm'].includes(medium)],
  ['Paid Other', ({ medium }) => paid.test(medium)],
  ['Organic Shopping', ({ site, campaign }) => site === 'shopping' || shop.test(campaign)],
  ['Organic Social', ({ site, medium }) => site === 'social' || ['social', 'social-network', 'sm'].includes(medium)],
  ['Organic Video', ({ site, medium }) => site === 'video' || medium.includes('video')],
  ['Organic Search', ({ site, medium }) => site === 'search' || medium === 'organic'],
  ['Referral', ({ medium }) => ['referral', 'app', 'link'].includes(medium)],
  [
    'Email',
    ({ source, medium }) => [source, medium].some((word) => ['email', 'e-mail', 'e_mail', 'e mail'].includes(word)),
  ],
  ['Affiliates', ({ medium }) => medium === 'affiliate'],
  ['Audio', ({ medium }) => medium === 'audio'],
  ['SMS', ({ source, medium }) => source === 'sms' || medium === 'sms'],
  ['Mobile Push', ({ source, medium }) => /push$|mobile|notification/.test(medium) || source === 'firebase'],
  ['Chat', ({ medium }) => ['chat', 'live chat', 'whatsapp'].includes(medium)],
  ['Unassigned', () => true],
];
const siteOf: Record<string, string> = {
  google: 'search',
  facebook: 'social',
  youtube: 'video',
  'amazon.it': 'shopping',
  'trovaprezzi.it': 'comparison',
};
const sourcesTried = [...Object.keys(siteOf), '(direct)', 'partner', 'email', 'sms', 'firebase'];
const mediumsTried = [
  ...[
    '(none)',
    'cpc',
    'cpm',
    'retargeting',
    'display',
    'comparison',
    'social',
    'video',
    'organic',
    'referral',
    'email',
  ],
  ...['affiliate', 'audio', 'sms', 'webpush', 'chat', 'post', 'video-cpc', 'mobile-video', 'cpc-push'],
];
const campaignsTried = ['', 'cross-network', 'shopping', 'shopping cross-network'];
const traffic: Traffic[] = sourcesTried.flatMap((source) =>
  mediumsTried.flatMap((medium) =>
    campaignsTried.map((campaign) => ({ source, medium, campaign, site: siteOf[source] ?? '' })),
  ),
);

describe('the order of the rules', () => {
  const fitting = traffic.map((one) => rules.flatMap(([, fits], index) => (fits(one) ? [index] : [])));

  test('of every two rules that can fit the same traffic the first counts', async () => {
    const company = await build({
      select: 'sessions',
      events: traffic.map(({ source, medium, campaign }, index) =>
        visit(`t${index}`, at('2026-06-01'), { source, medium, campaign }, { event_id: `t${index}` }),
      ),
    });
    const rows = await company.query('select session_id, channel from sessions');
    const found = new Map(rows.map((row) => [String(row.session_id), String(row.channel)]));
    const wrong = traffic.flatMap((one, index) => {
      const expected = rules[fitting[index]?.[0] ?? -1]?.[0];
      const channel = found.get(`web/t${index}`);
      return channel === expected ? [] : [{ ...one, channel, expected }];
    });
    expect(wrong).toEqual([]);
  }, 60_000);

  test('and the traffic above tries every two neighbours that can meet, and each rule', () => {
    const deciding = new Set(fitting.map(([first]) => first));
    expect([...rules.keys()].filter((index) => !deciding.has(index))).toEqual([]);
    // Pairs of which the first counted, so that they would change places with each other if the rules did.
    const met = new Set(fitting.map(([first, second]) => `${first} ${second}`));
    const apart = [...rules.keys()].slice(1).filter((index) => !met.has(`${index - 1} ${index}`));
    expect(apart.map((index) => `${rules[index - 1]?.[0]}, ${rules[index]?.[0]}`)).toEqual([
      // A site has one category, a medium is one word, and what is paid and shopping fits Paid Shopping before.
      'Paid Search, Paid Social',
      'Paid Social, Paid Video',
      'Paid Other, Organic Shopping',
      'Affiliates, Audio',
    ]);
  });
});

describe('the list of sites', () => {
  test('names each source once by itself, with the category of its sites', async () => {
    const rows = (await modelCatalogue()).seeds.source_sites?.rows ?? [];
    const category = new Map(rows.map((row) => [row.site, row.category]));
    expect(rows.length).toBeGreaterThan(100);
    expect(category.size).toBe(rows.length);
    // A referrer's site is looked up again by its source: what is not listed, or differs, would change its channel.
    expect(rows.filter((row) => category.get(row.source) !== row.category)).toEqual([]);
  });

  test('and the rules are plain text without a carriage return', async () => {
    for (const seed of ['source_sites', 'channel_rules', 'channels']) {
      expect(await readFile(new URL(`../../sql/seeds/${seed}.csv`, import.meta.url), 'utf8')).not.toContain('\r');
    }
  });
});

test('campaign names of the list stand on touches and costs alike, so that credit and spend meet', async () => {
  const company = await build({
    lists: {
      campaigns: [
        {
          source: 'google_ads',
          campaign_id: '123',
          alias: 'brand_it',
          channel: 'Brand Search',
          campaign: 'Brand Italy',
        },
      ],
    },
    events: [
      visit('a', at('2026-06-01'), { source: 'google', medium: 'cpc', campaign: 'Brand_IT' }),
      visit('b', at('2026-06-01'), { landing_page: 'https://x.it/?utm_id=123&gclid=9' }),
    ],
    costs: [
      {
        cost_date: '2026-06-01',
        source: 'google_ads',
        campaign_id: '123',
        campaign: 'whatever',
        spend: '3.00',
        currency: 'EUR',
        channel: 'Paid Search',
      },
    ],
  });
  expect(await company.lines('select channel, campaign, count(*) from touches group by 1, 2')).toEqual([
    'Brand Search Brand Italy 2',
  ]);
  expect(await company.lines('select channel, campaign, spend from costs')).toEqual(['Brand Search Brand Italy 3.00']);
});
