import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { fileConnectors } from '#connectors/registry';
import { canonicalOf } from '../unit/connector-company.ts';
import { type Arrival, companyBuilder } from './company-on-duckdb.ts';

const build = companyBuilder();
const fixtures = join(import.meta.dirname, '../fixtures/connectors/hubspot');
const arrivals = z.array(z.custom<Arrival>((event) => typeof event === 'object'));

it('contacts that HubSpot merged are one person, and the two contacts of a deal are two', async () => {
  const files = ['contact_merge_audit_data.csv', 'contact_data.csv', 'deal_contact_data.csv', 'deal_stage_data.csv'];
  const read = await Promise.all(files.map((file) => canonicalOf(join(fixtures, file), fileConnectors)));
  const events = arrivals.parse(read.flatMap((file) => file.events));
  const other: Arrival = {
    event_type: 'Identify',
    occurred_at: '2026-01-04T10:00:00Z',
    source: 'fixture',
    identifiers: { crm_id: '502' },
  };
  const { lines, failing, refused } = await build({ events: [...events, other] });
  expect([refused, failing.error]).toEqual([[], []]);
  // 5555 with 1111; 501 with 400, 401, the address and the deal; 502 alone, although the deal is hers too.
  expect(await lines('select count(*) from persons')).toEqual(['3']);
  expect(await lines("select count(distinct person_id) from events where event_id like 'merge-5555%'")).toEqual(['1']);
  expect(
    await lines(
      "select count(distinct person_id) from events where event_id in ('contact-501', 'merge-501-400-400') or event_type = 'Opportunity Won'",
    ),
  ).toEqual(['1']);
});
