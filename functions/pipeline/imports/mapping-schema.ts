import * as z from 'zod';

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const detailed = z
  .strictObject({
    column: z.string().min(1).optional().describe('The name of a column, or a text with {columns}.'),
    value: scalar.optional().describe('A fixed value.'),
    format: z.string().min(1).optional().describe('How a date or time is written, in luxon tokens; ISO without one.'),
    locale: z.string().min(2).optional().describe('The language of the names of months, such as it.'),
    map: z
      .record(z.string(), scalar)
      .optional()
      .describe('What stands in the file: what is meant. An empty text is written "".'),
    default: scalar.optional().describe('Where the column is empty, or its value is not in the map.'),
    decimal: z.enum(['.', ',']).optional().describe('The decimal sign, where it differs from that of the file.'),
    type: z.enum(['text', 'number', 'boolean']).optional().describe('Of a property: text without one.'),
    required: z.boolean().optional().describe('A row without it is rejected.'),
  })
  .refine((value) => (value.column === undefined) !== (value.value === undefined), 'needs either `column` or `value`');

const value = z.union([scalar, detailed]);

const conditions = z.record(z.string(), z.union([scalar.transform((one) => [one]), z.array(scalar).min(1)]));

const field = value.optional();

const event = z.strictObject({
  when: conditions.optional().describe('Only rows whose columns hold one of these values.'),
  event_type: value,
  event_id: field,
  occurred_at: value,
  updated_at: field,
  identifiers: z
    .strictObject({
      anonymous_id: field,
      user_id: field,
      crm_id: field,
      loyalty_card: field,
      email: field,
      phone: field,
    })
    .optional(),
  touch: z
    .strictObject({
      channel: field,
      source: field,
      medium: field,
      campaign: field,
      campaign_id: field,
      content: field,
      term: field,
      referrer: field,
      landing_page: field,
    })
    .optional(),
  device: z.strictObject({ class: field, os: field, browser: field, user_agent: field, is_bot: field }).optional(),
  place: z.strictObject({ country: field, region: field }).optional(),
  consent: z.strictObject({ analytics: field, marketing: field }).optional(),
  value: z
    .strictObject({
      order_id: field,
      revenue: field,
      tax: field,
      shipping: field,
      discount: field,
      margin: field,
      currency: field,
    })
    .optional(),
  properties: z.record(z.string(), value).optional(),
});

const cost = z.strictObject({
  when: conditions.optional().describe('Only rows whose columns hold one of these values.'),
  cost_date: value,
  account: field,
  campaign_id: field,
  campaign: field,
  ad_group: field,
  channel: field,
  impressions: field,
  clicks: field,
  spend: value,
  currency: value,
  platform_conversions: field,
  platform_value: field,
});

/** The shape of a mapping file: which column of a table is what (docs/mapping.md). */
export const mappingSchema = z
  .strictObject({
    source: z
      .string()
      .regex(/^[a-z][a-z0-9_-]*$/, 'a name in lower case, digits, - and _')
      .describe('The name of the source that the rows come from.'),
    files: z
      .union([
        z
          .string()
          .min(1)
          .transform((one) => [one]),
        z.array(z.string().min(1)).min(1),
      ])
      .optional()
      .describe('Names of the files that this mapping is for, with * and ?.'),
    format: z
      .strictObject({
        type: z.enum(['csv', 'jsonl', 'json', 'parquet', 'fixed']).optional(),
        delimiter: z
          .union([z.enum([',', ';', '|', 'tab', 'whitespace']), z.literal('\t')])
          .transform((sign) => (sign === 'tab' ? '\t' : sign))
          .optional(),
        encoding: z.enum(['utf-8', 'windows-1252']).optional(),
        decimal: z.enum(['.', ',']).optional(),
        header: z.union([z.boolean(), z.array(z.string().min(1)).min(1)]).optional(),
        skipLines: z.number().int().min(0).optional(),
      })
      .prefault({}),
    onCut: z
      .enum(['rows', 'refuse'])
      .default('rows')
      .describe('A file that is cut off or changes its columns: take its whole rows, or refuse it.'),
    timeZone: z
      .string()
      .refine((zone) => {
        try {
          new Intl.DateTimeFormat('en', { timeZone: zone });
          return true;
        } catch {
          return false;
        }
      }, 'not a time zone; write an IANA name such as "Europe/Rome"')
      .optional()
      .describe("Of times that name no offset; the company's without one."),
    where: conditions.optional().describe('Only rows whose columns hold one of these values; others are left out.'),
    connector: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A known export, such as google-ads or segment, in place of `events` and `costs`: it binds files to a source.',
      ),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'an ISO currency code such as "EUR"')
      .optional()
      .describe('Of the money in a known export that names none.'),
    events: z.array(event).min(1).optional(),
    costs: z.array(cost).min(1).optional(),
  })
  .refine(
    ({ connector, events, costs }) => (connector === undefined) !== (events === undefined && costs === undefined),
    'needs `events`, `costs` or both; or else `connector`',
  );

export type Mapping = z.output<typeof mappingSchema>;
export type MappingValue = z.output<typeof value>;
export type EventMapping = NonNullable<Mapping['events']>[number];
export type CostMapping = NonNullable<Mapping['costs']>[number];

/** The JSON schema with which editors check a mapping while it is written (docs/mapping.schema.json). */
export function mappingJsonSchema(): unknown {
  return {
    title: 'Percorso mapping',
    ...z.toJSONSchema(mappingSchema, { io: 'input', unrepresentable: 'any', reused: 'ref' }),
  };
}
