import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseMapping } from '#pipeline/imports/mapping';
import { suggestMapping } from '#pipeline/imports/suggest';
import { canonicalOf } from './connector-company.ts';

/** What only a person can know, filled in. */
function filled(draft: string): string {
  return draft.replaceAll("crm_id: ''", "crm_id: 'somebody'").replace('YYYY-MM-DD', '2026-01-05');
}

const data = join(import.meta.dirname, '../../../shared/data');
/** What the draft is by, what it makes of the file, and how many of its rows it leaves out or refuses. */
const expected: Record<string, { by: string; events?: number; costs?: number; leftOut?: number }> = {
  'ad_exports/facebook_ads_basic_ad_data.csv': { by: 'meta-ads', costs: 10 },
  'ad_exports/facebook_ads_campaign_history_data.csv': { by: 'Contact', events: 9 },
  'ad_exports/google_ads_ad_group_stats_data.csv': { by: 'google-ads', costs: 15 },
  'ad_exports/google_ads_campaign_history_data.csv': { by: 'Contact', events: 10 },
  'ad_exports/google_ads_campaign_stats_data.csv': { by: 'google-ads', costs: 16 },
  'ad_exports/linkedin_ad_analytics_by_campaign_data.csv': { by: 'linkedin-ads', costs: 20 },
  'ad_exports/linkedin_ad_campaign_history_data.csv': { by: 'Contact', events: 100 },
  'ad_exports/microsoft_ads_campaign_performance_daily_report_data.csv': { by: 'microsoft-ads', costs: 2630 },
  'ad_exports/tiktok_campaign_history_data.csv': { by: 'Contact', events: 4 },
  'ad_exports/tiktok_campaign_report_hourly_data.csv': { by: 'tiktok-ads', costs: 4 },
  'cdnow/CDNOW_master.txt': { by: 'Order Completed', events: 69_659 },
  'cdnow/CDNOW_sample.txt': { by: 'Contact', events: 6919 },
  'cdnow/cdnow_customers_summary.csv': { by: 'Contact', events: 2357 },
  // 22 contacts, one of which took in three others: two events a merge.
  'crm_hubspot/contact_data.csv': { by: 'hubspot', events: 28 },
  'crm_hubspot/contact_form_submission_data.csv': { by: 'hubspot', events: 5 },
  'crm_hubspot/contact_merge_audit_data.csv': { by: 'hubspot', events: 8 },
  'crm_hubspot/deal_contact_data.csv': { by: 'hubspot', events: 11 },
  'crm_hubspot/deal_data.csv': { by: 'hubspot', events: 44 },
  'crm_hubspot/deal_pipeline_stage_data.csv': { by: 'Contact', events: 71 },
  'crm_hubspot/deal_stage_data.csv': { by: 'hubspot', events: 14 },
  'crm_hubspot/email_event_click_data.csv': { by: 'Contact', events: 100 },
  'kag_facebook_ads/KAG_conversion_data_campaign1178.csv': { by: 'Paid Social', costs: 625 },
  'media_weekly/dt_simulated_weekly.csv': { by: 'Order Completed', events: 208 },
  'olist/closed_deals.csv': { by: 'Opportunity Won', events: 842 },
  'olist/marketing_qualified_leads.csv': { by: 'Lead Created', events: 8000 },
  'touches/attribution_data.csv.gz': { by: 'Order Completed', events: 62_483 },
};

describe.skipIf(!existsSync(data))('a mapping drafted from real files (skipped: no ../shared/data)', () => {
  it('is tried on all of them', () => {
    const files = readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(csv|txt|gz)$/.test(entry.name))
      .map((entry) => relative(data, join(entry.parentPath, entry.name)));
    expect(files.sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(Object.entries(expected))(
    'reads every row of %s',
    async (name, { by, events = 0, costs = 0, leftOut = 0 }) => {
      const draft = await suggestMapping(join(data, name));
      // The name of the source is always a person's to give.
      expect(draft).toMatch(/^source: .*# unsure:/m);
      expect(draft).toContain(by);
      const mapping = parseMapping(filled(draft), 'draft.yaml');
      const read = await canonicalOf(join(data, name), [], { mapping, source: undefined });
      expect({
        events: read.events.length,
        costs: read.costs.length,
        leftOut: read.leftOut,
        problems: read.problems,
      }).toEqual({
        events,
        costs,
        leftOut,
        problems: [],
      });
    },
  );

  it('says of what it cannot know that it is unsure', async () => {
    const unsure = async (name: string) =>
      (await suggestMapping(join(data, name))).split('\n').filter((line) => line.includes('# unsure'));
    expect((await unsure('kag_facebook_ads/KAG_conversion_data_campaign1178.csv')).join('\n')).toMatch(
      /no column holds a date/,
    );
    expect((await unsure('cdnow/CDNOW_sample.txt')).join('\n')).toMatch(/no line names the columns/);
    expect((await unsure('crm_hubspot/email_event_click_data.csv')).join('\n')).toMatch(/says of no click who clicked/);
    expect((await unsure('ad_exports/google_ads_campaign_stats_data.csv')).join('\n')).toMatch(/names no currency/);
    expect((await unsure('touches/attribution_data.csv.gz')).join('\n')).toMatch(/what each value means/);
  });

  it('has the day of a file without a header', async () => {
    const draft = await suggestMapping(join(data, 'cdnow/CDNOW_sample.txt'));
    expect(draft).toContain("occurred_at: { column: 'column_3', format: 'yyyyMMdd' }");
  });
});
