import { PercorsoError } from '#core/errors';
import { type Growth, type PriceTable, priceOf, type ScannedBytes } from '#pipeline/cost/price-tables';

/** How much a firm takes in, and how it is asked. */
export interface FirmSize {
  eventsPerDay: number;
  /** Months of events that lie behind the bill's month, all as busy. */
  historyMonths: number;
  /** Events that senders put into one request: browsers send one by one, servers gather. */
  eventsPerRequest: number;
  readers: number;
}

/** What of the design the bill depends on. Today's is `asBuilt`; others say what it would cost otherwise. */
export interface Design {
  /** Builds of one night are made of open days alone; false: everything anew each night. */
  isIncremental: boolean;
  /** How long events gather before they are written, so that there are few objects. 0: each message by itself. */
  gatherSeconds: number;
  /** One call to KMS for many objects. */
  hasBucketKeys: boolean;
  /** SQS encrypts with its own key: no call to KMS for a message. */
  isQueueOfKms: boolean;
  /** How long objects stay that a build wrote and a later one replaced. */
  formerBuildDays: number;
  /** What Lambda itself says of each call is logged. */
  logsEachCall: boolean;
  /** X-Ray records calls of the door, by a rule that cannot be set: one a second, and 5 % of the others. */
  isDoorTraced: boolean;
  /** NAT gateways that run all day; 0, since no Lambda is in a network of the firm. */
  natGateways: number;
  /** Pages are compiled at each publish. */
  buildMinutes: number;
}

export const asBuilt: Design = {
  isIncremental: true,
  gatherSeconds: 300,
  hasBucketKeys: true,
  isQueueOfKms: false,
  formerBuildDays: 1,
  logsEachCall: false,
  isDoorTraced: false,
  natGateways: 0,
  buildMinutes: 5,
};

/** What was not measured on AWS, since nothing ran there; docs/cost.md says where each is from. */
export const assumed = {
  daysAMonth: 365 / 12,
  collectMs: 20,
  collectGb: 1,
  storeEventsPerSecond: 5000,
  storeSecondsPerRun: 0.5,
  /** Messages that fit into one call of the store: 6 MB of payload, 1.5 KB a message. */
  messagesPerRun: 4000,
  /** Lambda's pollers of a queue that has nothing to do, each of which waits for 20 seconds. */
  pollersPerQueue: 5,
  queues: 2,
  athenaLeastBytes: 10e6,
  putsPerStatement: 8,
  getsPerStatement: 25,
  /** Trino reads up to 8 MB of neighbouring columns at once; small tables have smaller pieces. */
  bytesPerGet: 4e6,
  catalogueRequestsPerStatement: 10,
  transitionsPerStatement: 5,
  transitionsPerRun: 30,
  keptBuilds: 5,
  /** Dropping the database of a build removes what its tables hold, by Athena's documentation; a day is for nights that fail. */
  scratchDays: 1,
  bytesLoggedPerRequest: 250,
  bytesLoggedPerCallByLambda: 1000,
  bytesAnsweredPerRequest: 300,
  alarms: 16,
  pagesPerReaderAndDay: 10,
  requestsPerPage: 40,
  bytesPerPage: 500e3,
} as const;

export interface BillLine {
  service: string;
  /** What of it, such as `statements of the nightly builds`. */
  what: string;
  quantity: number;
  unit: string;
  usd: number;
}

export interface Bill {
  region: string;
  lines: BillLine[];
  usd: number;
  /** The statement that reads most, in bytes: the limit of the workgroup must be above it. */
  largestStatement: { step: string; bytes: number };
  /** What the night's statements read in a month, before the least that Athena bills. */
  scannedBytes: number;
}

interface Usage {
  item: string;
  what: string;
  quantity: number;
}

/**
 * A month's bill. Free allowances that never end are taken off, as if the account had nothing else; taxes are not in it.
 * @throws PercorsoError where the table has no price of the region.
 */
export function reckonBill(
  size: FirmSize,
  region: string,
  { prices, scanned }: { prices: PriceTable; scanned: ScannedBytes },
  design: Design = asBuilt,
): Bill {
  if (size.eventsPerRequest < 1)
    throw new PercorsoError(`${size.eventsPerRequest} events a request`, { mend: 'at least 1' });
  const days = assumed.daysAMonth;
  const statements = statementsOf(size, scanned, design);
  const usage = [
    ...doorUsage(size, design),
    ...warehouseUsage(size, scanned, statements, design),
    { item: 'codebuild', what: 'pages of the dashboards', quantity: design.buildMinutes * days },
    ...readersUsage(size),
    { item: 'kms-key', what: "the company's key", quantity: 1 },
    { item: 'secret', what: 'secrets', quantity: 3 },
    { item: 'secret-read', what: 'reads by Lambdas every 5 minutes', quantity: 2 * 2 * 288 * days },
    { item: 'alarm', what: 'alarms', quantity: assumed.alarms },
    { item: 'metrics-dashboard', what: 'the dashboard of the engineer', quantity: 1 },
    { item: 'nat-hour', what: 'NAT gateways', quantity: design.natGateways * 24 * days },
  ];
  const total = (item: string) => usage.reduce((sum, one) => sum + (one.item === item ? one.quantity : 0), 0);
  const encrypted = design.hasBucketKeys ? 0.01 : 1;
  usage.push({
    item: 'kms-request',
    what: 'objects encrypted and read',
    quantity: (total('s3-put') + total('s3-get')) * encrypted,
  });
  if (design.isQueueOfKms) usage.push({ item: 'kms-request', what: 'messages', quantity: 2 * total('http-api') });
  const lines = usage
    .filter(({ quantity }) => quantity > 0)
    .map(({ item, what, quantity }): BillLine => {
      const { service, unit, usd, per, free } = priceOf(prices, item, region);
      const billed = Math.max(0, total(item) - free) / total(item);
      return { service, what, quantity, unit, usd: (quantity * billed * usd) / per };
    });
  const [largest] = [...statements.each].sort((a, b) => b.bytes - a.bytes);
  return {
    region,
    lines,
    usd: lines.reduce((sum, line) => sum + line.usd, 0),
    largestStatement: largest ?? { step: '', bytes: 0 },
    scannedBytes: statements.bytes,
  };
}

function bytesAt(size: FirmSize, { perDailyEvent, perEventOfHistory, perMonth, mostPerMonth }: Growth): number {
  const history = size.eventsPerDay * assumed.daysAMonth * size.historyMonths;
  const bytes = perDailyEvent * size.eventsPerDay + perEventOfHistory * history + perMonth * size.historyMonths;
  return Math.min(bytes, (mostPerMonth ?? Number.POSITIVE_INFINITY) * (size.historyMonths + 1));
}

interface Statements {
  each: { step: string; bytes: number }[];
  /** Of a month. */
  count: number;
  bytes: number;
  billedBytes: number;
}

/** All nights of a month: one whole build, and daily builds else. */
function statementsOf(size: FirmSize, scanned: ScannedBytes, design: Design): Statements {
  const runs = design.isIncremental
    ? { daily: assumed.daysAMonth - 1, full: 1 }
    : { daily: 0, full: assumed.daysAMonth };
  const result: Statements = { each: [], count: 0, bytes: 0, billedBytes: 0 };
  for (const row of scanned.statements) {
    if (row.statements === 0 || runs[row.build] === 0) continue;
    const bytes = bytesAt(size, row) / row.statements;
    result.each.push({ step: row.step, bytes });
    const times = row.statements * runs[row.build];
    result.count += times;
    result.bytes += times * bytes;
    result.billedBytes += times * Math.max(bytes, assumed.athenaLeastBytes);
  }
  return result;
}

function doorUsage(size: FirmSize, design: Design): Usage[] {
  const days = assumed.daysAMonth;
  const events = size.eventsPerDay * days;
  const requests = events / size.eventsPerRequest;
  // Two runs of the store at a time, so that each gathering ends in two.
  const runs =
    design.gatherSeconds === 0
      ? requests
      : Math.max((2 * 86_400 * days) / design.gatherSeconds, requests / assumed.messagesPerRun);
  const polls = assumed.queues * assumed.pollersPerQueue * 3 * 1440 * days;
  const seconds = 86_400 * days;
  const traces = (calls: number) => Math.min(calls, seconds + 0.05 * calls);
  const perCall = assumed.bytesLoggedPerRequest + (design.logsEachCall ? assumed.bytesLoggedPerCallByLambda : 0);
  return [
    { item: 'http-api', what: 'requests at the door', quantity: requests },
    { item: 'lambda-request', what: 'collect', quantity: requests },
    { item: 'lambda-arm', what: 'collect', quantity: (requests * assumed.collectGb * assumed.collectMs) / 1000 },
    { item: 'sqs', what: 'messages sent, received and removed', quantity: requests * 1.2 },
    { item: 'sqs', what: 'looking for messages', quantity: polls },
    { item: 'lambda-request', what: 'store', quantity: runs },
    {
      item: 'lambda-arm',
      what: 'store',
      quantity: runs * assumed.storeSecondsPerRun + events / assumed.storeEventsPerSecond,
    },
    { item: 's3-put', what: 'raw objects', quantity: runs * 2 },
    { item: 'logs', what: 'requests and runs', quantity: (requests * perCall + runs * 500) / 1e9 },
    { item: 'trace', what: 'store', quantity: traces(runs) },
    { item: 'trace', what: 'collect', quantity: design.isDoorTraced ? traces(requests) : 0 },
    { item: 'transfer-out', what: 'answers of the door', quantity: (requests * assumed.bytesAnsweredPerRequest) / 1e9 },
  ];
}

function warehouseUsage(size: FirmSize, scanned: ScannedBytes, statements: Statements, design: Design): Usage[] {
  const { count } = statements;
  const stored = (name: string) => {
    const row = scanned.stored[name];
    return row === undefined ? 0 : bytesAt(size, row) / 1e9;
  };
  return [
    { item: 'athena', what: 'statements of the builds', quantity: statements.billedBytes / 1e12 },
    { item: 's3-put', what: 'what statements write, and listings', quantity: count * assumed.putsPerStatement },
    {
      item: 's3-get',
      what: 'what statements read',
      quantity: count * assumed.getsPerStatement + statements.bytes / assumed.bytesPerGet,
    },
    { item: 'glue-request', what: 'catalogue', quantity: count * assumed.catalogueRequestsPerStatement },
    {
      item: 'step-functions',
      what: 'steps of the builds',
      quantity: count * assumed.transitionsPerStatement + assumed.daysAMonth * assumed.transitionsPerRun,
    },
    { item: 's3-storage', what: 'raw', quantity: stored('raw') },
    { item: 's3-storage', what: 'tables of the present build', quantity: stored('published') + stored('kept') },
    {
      item: 's3-storage',
      what: 'tables of builds before it',
      quantity: stored('written') * (assumed.keptBuilds - 1 + design.formerBuildDays),
    },
    { item: 's3-storage', what: 'tables between', quantity: stored('scratch') * assumed.scratchDays },
  ];
}

function readersUsage(size: FirmSize): Usage[] {
  const pages = size.readers * assumed.pagesPerReaderAndDay * assumed.daysAMonth;
  return [
    { item: 'cloudfront-request', what: 'pages read', quantity: pages * assumed.requestsPerPage },
    { item: 'cloudfront-gb', what: 'pages read', quantity: (pages * assumed.bytesPerPage) / 1e9 },
    { item: 'signed-in', what: 'readers who sign in', quantity: size.readers },
  ];
}

/** What each idea of the design saves a month: the bill without it, less the bill. */
export function savings(size: FirmSize, region: string, tables: { prices: PriceTable; scanned: ScannedBytes }) {
  const ideas: Record<string, Partial<Design>> = {
    'only open days are built anew': { isIncremental: false },
    'events gather for 5 minutes before they are written': { gatherSeconds: 0 },
    'one call to KMS for many objects (bucket keys)': { hasBucketKeys: false },
    'the queue is encrypted with its own key': { isQueueOfKms: true },
    'replaced tables of builds go after a day, not 30': { formerBuildDays: 30 },
    'Lambda does not log each call': { logsEachCall: true },
    'calls of the door are not traced by rule': { isDoorTraced: true },
    'no network of its own, so no NAT gateway': { natGateways: 1 },
  };
  const { usd } = reckonBill(size, region, tables);
  return Object.entries(ideas)
    .map(([idea, otherwise]) => ({
      idea,
      usd: reckonBill(size, region, tables, { ...asBuilt, ...otherwise }).usd - usd,
    }))
    .sort((a, b) => b.usd - a.usd);
}
