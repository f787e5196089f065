import * as z from 'zod';
import { modelNames } from '#core/model-names';

/** A day as `YYYY-MM-DD` that exists on the calendar. */
const day = z.iso.date();
const host = z
  .string()
  .min(1)
  .transform((value) => value.toLowerCase().replace(/^www\./, ''));
const money = z.union([z.string().regex(/^-?\d+(\.\d+)?$/, 'an amount such as "25.00"'), z.number()]).transform(String);

const timeZone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return /^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/.test(zone);
  } catch {
    return false;
  }
}, 'not a time zone; write an IANA name such as "Europe/Rome"');

const modelName = z.enum(modelNames);

const attribution = z.strictObject({
  lookbackDays: z.number().int().min(1).max(3650).default(90),
  pathStart: z.enum(['lookback', 'after_previous']).default('lookback'),
  halfLifeDays: z.number().positive().default(7),
  /** First, all between, last: shares of the position-based model. */
  position: z
    .tuple([z.number().min(0), z.number().min(0), z.number().min(0)])
    .refine(([a, b, c]) => Math.abs(a + b + c - 1) < 1e-9, 'the three shares must add up to 1')
    .default([0.4, 0.2, 0.4]),
  defaultModel: modelName.default('position_based'),
  verdictModels: z.array(modelName).min(1).default(['last_non_direct', 'linear', 'position_based', 'markov_1']),
  openJourneyDays: z.number().int().min(0).default(0),
});

/** Types and kinds of conversion that the models name themselves. */
const builtInTypes = new Set(['lead', 'opportunity', 'first_order', 'repeat_order', 'referral', 'order', 'refund']);

const conversionType = z.strictObject({
  event: z.string().min(1),
  lookbackDays: z.number().int().min(1).max(3650).optional(),
  /** What one such conversion is worth, in the reporting currency, where the event itself carries no revenue. */
  value: money.optional(),
});

/** A person enters `stage` at an event that meets every condition named. */
const stageRule = z.strictObject({
  event: z.string().min(1),
  /** Only on this channel. */
  channel: z.string().optional(),
  /** Only from persons who have not ordered yet. */
  beforeFirstOrder: z.boolean().optional(),
  /** Only this many days or more after the first order, or the won opportunity (whatever else enters conversion) where that was before it. */
  daysAfterFirstOrder: z.number().int().min(0).optional(),
  /** Only with a score of at least this. */
  minScore: z.number().optional(),
});

const defaultStages = {
  acquisition: [
    { event: 'Lead Created' },
    { event: 'Quote Requested' },
    { event: 'Form Submitted' },
    { event: 'Signed Up' },
    { event: 'Contact', channel: 'Phone', beforeFirstOrder: true },
  ],
  conversion: [{ event: 'Opportunity Won' }],
  retention: [
    { event: 'Product Used', daysAfterFirstOrder: 30 },
    { event: 'Support Answered', daysAfterFirstOrder: 30 },
    { event: 'Feedback Given', daysAfterFirstOrder: 30 },
    { event: 'Subscription Renewed', daysAfterFirstOrder: 0 },
  ],
  loyalty: [{ event: 'Feedback Given', minScore: 9, daysAfterFirstOrder: 0 }],
};

const identityLimits = z
  .partialRecord(
    z.enum(['anonymous_id', 'email', 'phone']),
    z.partialRecord(z.enum(['user_id', 'crm_id', 'loyalty_card', 'email', 'phone']), z.number().int().min(1)),
  )
  .default({
    anonymous_id: { user_id: 1, email: 3, phone: 3 },
    email: { user_id: 3, crm_id: 3, loyalty_card: 3 },
    phone: { user_id: 3, crm_id: 3, loyalty_card: 3 },
  });

const variableName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'the name of an environment variable');

const source = z
  .strictObject({
    /** Lower is more trusted where two sources tell of the same order. */
    trust: z.number().int().min(0).default(50),
    /** The environment variable that holds the source's write key. Without one nothing can be sent for this source over HTTP. */
    writeKeyEnv: variableName.optional(),
    /** The environment variable with which its web hooks are signed (docs/hooks.md). Without one no web hook can send for it. */
    hookSecretEnv: variableName.optional(),
    /** `browser`: the key is public, so it may send behaviour only. */
    kind: z.enum(['server', 'browser', 'file']).default('server'),
    /**
     * Of a browser source: whether a page is believed who is logged in on its cookie, or must prove it (docs/collect.md).
     * `proved` where a secret is named, else `believed`.
     */
    logins: z.enum(['believed', 'proved']).optional(),
    /** The environment variable with the secret under which the firm's server signs user ids for its pages. */
    loginSecretEnv: variableName.optional(),
    ratePerSecond: z.number().positive().default(1000),
    /** Its revenue includes VAT: the event's own tax, or else `vatRate`, is taken off. */
    gross: z.boolean().default(false),
    vatRate: z.number().min(0).max(1).optional(),
    /** Its revenue includes shipping charged through, which is taken off. */
    shippingIncluded: z.boolean().default(false),
    /** Hours without an event after which Data health calls the source stale. */
    staleAfterHours: z.number().positive().default(72),
  })
  .refine(
    ({ kind, logins, loginSecretEnv }) => kind === 'browser' || (logins === undefined && loginSecretEnv === undefined),
    "logins and loginSecretEnv are settings of a source of kind 'browser': a server is believed",
  );

/** How the company runs on AWS (docs/aws.md). Without it nothing can be deployed. */
const aws = z.strictObject({
  /** Names every resource, so it can never change: lower case, digits and -. */
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,18}[a-z0-9]$/, '3 to 20 of lower case, digits and -, beginning with a letter'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as "eu-south-1"')
    .default('eu-south-1'),
  /** Who is told by e-mail of alarms and of the budget. */
  alarmsTo: z.array(z.email()).default([]),
  monthlyBudgetUsd: z.number().positive().default(50),
  /** The most that the door takes, over all its sources; above it senders get 429 and come again. */
  requestsPerSecond: z.number().int().min(1).default(200),
  /** When the nightly build begins, in the company's time zone. */
  buildAt: z
    .string()
    .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'an hour and minute such as "03:30", from 00:00 to 23:59')
    .default('03:30'),
  /** No query may read more. */
  scanLimitGb: z.number().min(0.01).default(100),
  /** The first UTC day on which anything came into the lake: earlier ones are not looked for. */
  firstDay: day.default('2026-01-01'),
  /** Who signs readers of the dashboards in, where that is not a user pool of Cognito's: the firm's own OpenID Connect. */
  signIn: z
    .strictObject({
      issuer: z.url({ protocol: /^https$/ }),
      clientId: z.string().min(1),
      /** The name of its secret among those of the senders; none for a public client. */
      clientSecretName: z.string().optional(),
    })
    .optional(),
});

const catalogName = z.string().regex(/^[a-z][a-z0-9_-]*$/, 'the name of a catalog as Trino shows it, in lower case');

/** A Trino of the firm's own over a bucket of the S3 protocol: the lake of `--on trino` (docs/trino.md). */
const trino = z
  .strictObject({
    url: z.url({ protocol: /^https?$/, error: 'an address such as "https://trino.acme.it"' }),
    user: z.string().min(1).default('percorso'),
    /** The environment variable with the user's password. */
    passwordEnv: variableName.optional(),
    /** The environment variable with a token (JWT), instead of a password. */
    tokenEnv: variableName.optional(),
    /** The catalog of Iceberg, in which a build makes its tables, and that of Hive, with which it reads and writes files. */
    catalog: catalogName.default('iceberg'),
    filesCatalog: catalogName.default('hive'),
    /** How the names of the schemas that a build makes begin. */
    schema: z
      .string()
      .regex(/^[a-z][a-z0-9_]*$/, 'lower case, digits and _')
      .default('percorso'),
    /** The lake; Trino reads and writes it too. */
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, '3 to 63 of lower case, digits, - and ., as buckets are named'),
    /** Where the bucket is, where that is not AWS. */
    endpoint: z.url({ protocol: /^https?$/, error: 'an address such as "https://minio.acme.it"' }).optional(),
    region: z.string().min(1).default('us-east-1'),
    /** Statements of a build at one time. */
    statementsAtOnce: z.number().int().min(1).default(4),
  })
  .refine(({ passwordEnv, tokenEnv }) => passwordEnv === undefined || tokenEnv === undefined, {
    path: ['tokenEnv'],
    error: 'a user shows a password or a token: leave one of passwordEnv and tokenEnv out',
  })
  .refine(
    ({ url, passwordEnv, tokenEnv }) =>
      url.startsWith('https:') || (passwordEnv === undefined && tokenEnv === undefined),
    { path: ['url'], error: 'a password or a token goes over https alone' },
  )
  .refine(({ catalog, filesCatalog }) => catalog !== filesCatalog, {
    path: ['filesCatalog'],
    error: 'tables and files need two catalogs, one of Iceberg and one of Hive',
  });

/** The shape of `percorso.config.ts`. Only `name` is required; every default stands here and nowhere else. */
export const configSchema = z.strictObject({
  name: z.string().min(1),
  timeZone: timeZone.default('Europe/Rome'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'an ISO currency code such as "EUR"')
    .default('EUR'),
  language: z.enum(['it', 'en']).default('it'),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'an ISO country code such as "IT"')
    .default('IT'),
  attribution: attribution.prefault({}),
  /** Beside the built-in types lead, opportunity, first_order, repeat_order and referral. */
  conversions: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9_]*$/, 'lower case and underscores')
        .refine((name) => !builtInTypes.has(name), 'a built-in type has this name; give another'),
      conversionType,
    )
    .default({}),
  /** Look-back in days of a built-in type, where it differs from `attribution.lookbackDays`. */
  lookbackDays: z
    .partialRecord(
      z.enum(['lead', 'opportunity', 'first_order', 'repeat_order', 'referral']),
      z.number().int().min(1).max(3650),
    )
    .default({}),
  sessions: z.strictObject({ gapMinutes: z.number().positive().default(30) }).prefault({}),
  identity: z
    .strictObject({
      limits: identityLimits,
      /** What systems write as a user_id, crm_id or loyalty_card where they know nobody, in any case: no identifier. */
      placeholders: z
        .array(z.string().trim().toLowerCase())
        .default(['guest', '0', 'null', 'undefined', 'anonymous', 'test']),
    })
    .prefault({}),
  stages: z
    .strictObject({
      acquisition: z.array(stageRule).default(defaultStages.acquisition),
      conversion: z.array(stageRule).default(defaultStages.conversion),
      retention: z.array(stageRule).default(defaultStages.retention),
      loyalty: z.array(stageRule).default(defaultStages.loyalty),
    })
    .prefault({}),
  customers: z
    .strictObject({
      atRiskDays: z.number().int().min(1).default(180),
      /** Customers were already bought from before this day; who orders first in the data may be an old customer. */
      historyStarts: day.optional(),
    })
    .prefault({}),
  money: z
    .strictObject({
      /** Margin where an order or a conversion of the company's own brings none, as a share of its revenue. Without it an unknown margin stays unknown. */
      defaultMarginRate: z.number().min(-1).max(1).optional(),
      fixedCostsFile: z.string().default('fixed-costs.csv'),
      fxRatesFile: z.string().default('fx-rates.csv'),
      vatFile: z.string().default('vat-by-source.csv'),
      invoicesFile: z.string().default('invoices.csv'),
    })
    .prefault({}),
  web: z
    .strictObject({
      ownDomains: z.array(host).default([]),
      excludedReferrers: z
        .array(host)
        .default([
          'paypal.com',
          'stripe.com',
          'nexi.it',
          'satispay.com',
          'klarna.com',
          'scalapay.com',
          'accounts.google.com',
        ]),
      campaignsFile: z.string().default('campaigns.csv'),
      channelRulesFile: z.string().default('channel-rules.csv'),
    })
    .prefault({}),
  sources: z
    .record(z.string().regex(/^[a-z][a-z0-9_-]*$/, 'lower case, digits, - and _'), source.prefault({}))
    .default({}),
  bounds: z
    .strictObject({
      earliest: day.default('2015-01-01'),
      maxFutureHours: z.number().min(0).default(24),
    })
    .prefault({}),
  /** How many days after it happened a fact may still move daily figures. */
  latenessDays: z.number().int().min(0).default(7),
  /** When everything is made anew, so that what came in too late moves the days that it belongs to. */
  fullRefresh: z.enum(['monthly', 'never', 'always']).default('monthly'),
  retention: z
    .strictObject({
      /** Raw objects older than this are removed; never, by default. */
      rawDays: z.number().int().min(1).optional(),
      rejectedDays: z.number().int().min(1).default(30),
      /** How many published builds are kept. */
      builds: z.number().int().min(1).default(5),
    })
    .prefault({}),
  vault: z
    .strictObject({
      /** Whether addresses are kept, encrypted, for later sending (docs/privacy.md). */
      keep: z.boolean().default(true),
    })
    .prefault({}),
  mail: z
    .strictObject({
      /** The environment variable that holds the SMTP address, such as smtps://user:password@host, or ses://REGION. */
      smtpEnv: z.string().default('PERCORSO_SMTP_URL'),
      from: z.email().optional(),
      onFailureTo: z.array(z.email()).default([]),
    })
    .prefault({}),
  engine: z
    .strictObject({
      /** What the engine may hold. The process has up to 1 GB beside it: 4 in all. */
      memory: z
        .string()
        .regex(/^\d+(MB|GB)$/)
        .default('3GB'),
      threads: z.number().int().min(1).optional(),
      /** How many tables of a build are made at one time, where none needs another. */
      stepsAtOnce: z.number().int().min(1).default(2),
    })
    .prefault({}),
  secrets: z
    .strictObject({
      /** The environment variable with the secret of the keyed hashes; else the key file below is used, made on first need. */
      identifierKeyEnv: z.string().default('PERCORSO_IDENTIFIER_KEY'),
      identifierKeyFile: z.string().default('.percorso/identifier.key'),
      /**
       * The environment variable with the key of the vault, or with its public half alone where the doors run; else the
       * key file below is used, made on first need.
       */
      vaultKeyEnv: z.string().default('PERCORSO_VAULT_KEY'),
      vaultKeyFile: z.string().default('.percorso/vault.key'),
    })
    .prefault({}),
  aws: aws.optional(),
  trino: trino.optional(),
});

/** What a person writes. */
export type ConfigInput = z.input<typeof configSchema>;
/** The same with every default filled in. */
export type Config = z.output<typeof configSchema>;
export type TrinoConfig = NonNullable<Config['trino']>;
export type AwsConfig = NonNullable<Config['aws']>;
export type SourceConfig = Config['sources'][string];

/** Types and completes a `percorso.config.ts`; the checks run when a command loads it. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

/** The look-back of a conversion type, built in or the company's own, in days. */
export function lookbackDays(config: Config, type: string): number {
  const builtIn = Object.entries(config.lookbackDays).find(([name]) => name === type)?.[1];
  return builtIn ?? config.conversions[type]?.lookbackDays ?? config.attribution.lookbackDays;
}
