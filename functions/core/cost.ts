import * as z from 'zod';

const text = z.string().max(1024);
const label = z.union([text, z.number().int().transform(String)]);
const amount = z.union([
  z.string().regex(/^-?\d{1,15}(\.\d{1,9})?$/, 'an amount such as "1.20"'),
  z.number().refine((value) => Number.isFinite(value) && Math.abs(value) < 1e15, 'a finite amount'),
]);
const count = z.number().min(0);

/** The canonical cost as it goes in (docs/interface.md). */
export const costSchema = z.strictObject({
  cost_date: z.iso.date(),
  source: z.string().min(1).max(100),
  account: label.nullish(),
  campaign_id: label.nullish(),
  campaign: label.nullish(),
  ad_group: label.nullish(),
  channel: text.nullish(),
  impressions: count.nullish(),
  clicks: count.nullish(),
  spend: amount,
  currency: z.string().regex(/^[A-Z]{3}$/, 'an ISO currency code such as "EUR"'),
  platform_conversions: count.nullish(),
  platform_value: amount.nullish(),
});
export type CostInput = z.input<typeof costSchema>;

/** One line of `raw/costs`. A set is what one import said of one source, account and day: the newest set stands, whole. */
export interface StoredCost {
  cost_date: string;
  source: string;
  /** '' where the platform names none. */
  account: string;
  campaign_id: string;
  campaign: string;
  ad_group: string;
  channel?: string;
  impressions: number;
  clicks: number;
  /** Decimals in text, in `currency`. */
  spend: string;
  currency: string;
  platform_conversions: number;
  platform_value: string;
  /** When the set came in: ISO, UTC. Equal for all rows of one import. */
  received_at: string;
  /** The import that the row belongs to. */
  import_id: string;
  schema_version: 1;
}

export const rawCostColumns = {
  cost_date: 'varchar',
  source: 'varchar',
  account: 'varchar',
  campaign_id: 'varchar',
  campaign: 'varchar',
  ad_group: 'varchar',
  channel: 'varchar',
  impressions: 'double',
  clicks: 'double',
  spend: 'varchar',
  currency: 'varchar',
  platform_conversions: 'double',
  platform_value: 'varchar',
  received_at: 'varchar',
  import_id: 'varchar',
} as const;
