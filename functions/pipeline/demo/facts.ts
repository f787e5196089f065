import type { CampaignKey } from '#pipeline/demo/campaigns';
import type { Category, OrderLine } from '#pipeline/demo/catalogue';
import type { Device, Person } from '#pipeline/demo/market';

/** Days are counted from 1970-01-01, seconds from local midnight, money in cents net of VAT unless it says otherwise. */
interface Moment {
  person: Person;
  day: number;
  second: number;
}

export type Entry =
  | { way: 'campaign'; campaign: CampaignKey }
  | { way: 'organic-search' | 'organic-social' | 'comparison' | 'direct' | 'referral' }
  | { way: 'email'; mailing: string };

export interface Visit extends Moment {
  device: Device;
  anonymousId: string;
  entry: Entry;
  pages: number;
  topic: Category;
  /** The web account, where the person logged in on this visit. */
  userId?: string;
  /** What happened on the last page. */
  outcome?: 'quote' | 'sign-up';
  /** The order that was placed on it, where the browser also told of it. */
  order?: Order;
  consent: boolean;
}

export interface Order extends Moment {
  id: string;
  /** Who keeps the order: the web shop's system or the till. */
  system: 'shop' | 'till';
  route: 'web' | 'phone' | 'agent' | 'store';
  isFirst: boolean;
  category: Category;
  lines: OrderLine[];
  /** Revenue as it is defined: net of VAT, discount and shipping. */
  net: number;
  discount: number;
  shipping: number;
  tax: number;
  /** What the systems know of the margin. */
  margin: number | undefined;
  /** What the marts show: the known margin, or the company's default rate of the revenue. */
  shownMargin: number;
  userId: string | undefined;
  crmId: string | undefined;
  card: string | undefined;
  showsContact: boolean;
}

export interface Refund extends Moment {
  id: string;
  order: Order;
  net: number;
  tax: number;
  shipping: number;
  margin: number | undefined;
  shownMargin: number;
}

export interface Call extends Moment {
  id: string;
  /** Absent where the number was withheld. */
  number: string | undefined;
  queue: 'vendite' | 'assistenza';
  seconds: number;
}

export interface ShopVisit extends Moment {
  id: string;
  card: string | undefined;
  reason: string;
}

export interface AgentVisit extends Moment {
  id: string;
  crmId: string;
}

export interface Deal extends Moment {
  id: string;
  crmId: string;
  amount: number;
  /** Absent while it is open. */
  closed?: { day: number; second: number; won: boolean; orderId?: string };
}

export interface Mail extends Moment {
  id: string;
  mailing: string;
  opened?: number;
  clicked?: number;
}

export interface Answer extends Moment {
  id: string;
  orderId: string;
  score: number;
}

export interface Recommendation extends Moment {
  id: string;
  crmId: string;
  /** The number of the person to whom it was made. */
  friend: number;
}

/** How somebody stands in the CRM at the end. */
export interface CrmContact {
  person: Person;
  crmId: string;
  createdDay: number;
  createdSecond: number;
  updatedDay: number;
  origin: 'sito' | 'telefono' | 'negozio' | 'agente' | 'passaparola' | 'cliente storico';
  userId: string | undefined;
  card: string | undefined;
  customerSince: number | undefined;
  newsletter: boolean;
  /** The recommendation that brought them. */
  friendCode: string | undefined;
  /** The cookie of the visit on which they filled in the form. */
  webVisitor: string | undefined;
}

/** An ad platform counts a sale as its own when its ad was clicked (or, for video, seen) in the 30 days before. */
export interface Claim {
  campaign: CampaignKey;
  day: number;
  value: number;
}

/** What the simulation tells of. A rerun without one channel listens to orders and refunds only. */
export interface Facts {
  visit?(visit: Visit): void;
  order(order: Order): void;
  refund(refund: Refund): void;
  call?(call: Call): void;
  shopVisit?(visit: ShopVisit): void;
  agentVisit?(visit: AgentVisit): void;
  deal?(deal: Deal): void;
  mail?(mail: Mail): void;
  answer?(answer: Answer): void;
  recommendation?(recommendation: Recommendation): void;
  crmContact?(contact: CrmContact): void;
  claim?(claim: Claim): void;
}
