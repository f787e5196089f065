import { between, normal, pick, pickWeighted, type Stream, stream } from '#pipeline/demo/random';

export interface Device {
  number: number;
  class: 'mobile' | 'desktop' | 'tablet';
  userAgent: string;
  /** Days without a visit after which the browser has dropped our cookie. */
  cookieDays: number;
}

/** One person in the market. Habits stay; what happens to them is in `life.ts`. */
export interface Person {
  number: number;
  draw: Stream;
  kind: 'home' | 'trade';
  province: string;
  nearShop: boolean;
  comparesPrices: boolean;
  follows: boolean;
  watchesVideo: number;
  usesSocial: number;
  hasAgent: boolean;
  /** How content they will be, 0 to 1. */
  content: number;
  /** How easily they come to buy: 1 is usual. */
  ease: number;
  /** Days between the needs of a trade customer. */
  rhythm: number;
  allowsAnalytics: boolean;
  blocksTracking: boolean;
  withholdsNumber: boolean;
  /** The day of their first order before the data begins. */
  oldCustomerSince: number | undefined;
  birthDay: string | undefined;
  email: string;
  phone: string;
  devices: readonly [Device, ...Device[]];
}

const phones = [
  'Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Mobile Safari/537.36',
] as const;
const iphone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const desktops = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36',
] as const;
const tablet =
  'Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1';

/** A switchboard that many firms in one business park share. */
export const switchboard = '+390255500100';
/** The cookie of the tablet that stands in the shop. */
export const tabletAgent = tablet;

const provinces = ['BG', 'BS', 'MI', 'MB', 'LC', 'CR', 'VR', 'PC'] as const;

function devicesOf(draw: Stream, kind: Person['kind']): readonly [Device, ...Device[]] {
  const isApple = draw('iphone') < 0.36;
  const mobile: Device = {
    number: 0,
    class: 'mobile',
    userAgent: isApple ? iphone : pick(phones, draw('phone model')),
    // Safari drops a script's cookie after seven days without a visit.
    cookieDays: isApple ? 7 : between(60, 200, draw('cookie', 0)),
  };
  const desktop: Device = {
    number: 1,
    class: 'desktop',
    userAgent: pick(desktops, draw('desktop model')),
    cookieDays: between(90, 390, draw('cookie', 1)),
  };
  const pad: Device = { number: 2, class: 'tablet', userAgent: tablet, cookieDays: 7 };
  const hasDesktop = draw('has desktop') < (kind === 'trade' ? 0.9 : 0.58);
  const hasPad = draw('has tablet') < 0.16;
  return [mobile, ...(hasDesktop ? [desktop] : []), ...(hasPad ? [pad] : [])];
}

export function personOf(number: number, seed: number, firstDay: number): Person {
  const draw = stream(seed, 'person', number);
  const kind = draw('kind') < 0.085 ? 'trade' : 'home';
  const isOld = draw('old customer') < (kind === 'trade' ? 0.16 : 0.05);
  const year = between(1946, 2002, draw('birth year'));
  const digits = String(number).padStart(6, '0');
  return {
    number,
    draw,
    kind,
    province: pick(provinces, draw('province')),
    nearShop: draw('near shop') < 0.3,
    comparesPrices: draw('compares') < (kind === 'home' ? 0.34 : 0.08),
    follows: draw('follows') < 0.07,
    watchesVideo: pickWeighted(
      [
        [0, 45],
        [1, 35],
        [1.9, 20],
      ],
      draw('video'),
    ),
    usesSocial: pickWeighted(
      [
        [0, 35],
        [1, 45],
        [1.7, 20],
      ],
      draw('social'),
    ),
    hasAgent: kind === 'trade' && draw('agent') < 0.42,
    content: Math.min(1, Math.max(0, 0.68 + 0.22 * normal(draw, 'content'))),
    ease: Math.exp(0.45 * normal(draw, 'ease')),
    rhythm: Math.round(48 * Math.exp(0.5 * normal(draw, 'rhythm'))) + 9,
    allowsAnalytics: draw('consent') >= 0.05,
    blocksTracking: draw('blocker') < 0.07,
    withholdsNumber: draw('withheld') < 0.12,
    oldCustomerSince: isOld ? firstDay - between(40, 1900, draw('customer since')) : undefined,
    birthDay:
      kind === 'home' && draw('birth known') < 0.7
        ? `${year}-${String(between(1, 12, draw('birth month'))).padStart(2, '0')}-${String(between(1, 28, draw('birth day'))).padStart(2, '0')}`
        : undefined,
    email: kind === 'trade' ? `ordini@ditta-${digits}.example` : `cliente.${digits}@posta.example`,
    // One firm in sixteen calls through the switchboard of its business park.
    phone: kind === 'trade' && draw('switchboard') < 0.06 ? switchboard : `+393700${digits}`,
    devices: devicesOf(draw, kind),
  };
}
