import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { createIdentifiers } from '#core/identifiers';
import { hashOfIdentifier } from '#core/named-identifier';
import { readUnlinks } from '#pipeline/people/unlinks';
import { runCommand } from '../run-command.ts';
import { type Arrival, at, companyBuilder, contact, order } from './company-on-duckdb.ts';

const build = companyBuilder();

const seen = (event_id: string, minute: number, identifiers: Arrival['identifiers']): Arrival => ({
  event_id,
  event_type: 'Identify',
  occurred_at: at('2026-06-01', `08:${String(minute).padStart(2, '0')}:00`),
  source: 'app',
  identifiers,
});

// Anna and Bruno share a telephone; the CRM's card C-1 was wrongly given Bruno's number too.
const apart: Arrival[] = [
  seen('anna', 1, { user_id: 'anna', email: 'anna@example.org' }),
  seen('anna-phone', 2, { user_id: 'anna', phone: '+39 02 1234 5678' }),
  seen('bruno', 3, { user_id: 'bruno', email: 'bruno@example.org' }),
  seen('bruno-phone', 4, { phone: '+39 02 1234 5678' }),
  order('x', '1', at('2026-06-02'), '10.00', { identifiers: { user_id: 'anna' } }),
  order('x', '2', at('2026-06-02'), '20.00', { identifiers: { user_id: 'bruno' } }),
  contact('x', 'Phone', at('2026-06-01', '12:00:00'), { identifiers: { phone: '+39 02 1234 5678' } }),
];
const together = seen('wrong', 5, { user_id: 'bruno', phone: '+39 02 1234 5678' });
/** The same event, as it were had it not merged them: it follows the stronger identifier either way. */
const harmless = seen('wrong', 5, { user_id: 'bruno' });

const facts = [
  'select event_id, person_id from events order by 1',
  'select conversion_id, person_id, touches_in_window from conversions order by 1',
  'select identifier_a, identifier_b, event_id, linked_at, person_id from identity_links order by 1, 2',
  'select * from identity_hubs order by 1',
  'select * from person_aliases order by 1',
  'select * from persons order by 1',
];

test('an unlink gives what never merging would have given', async () => {
  const merged = await build({ events: [...apart, together] });
  expect(await merged.lines('select count(distinct person_id) from persons')).toEqual(['1']);
  const unlinked = await build({ events: [...apart, together], unlinks: [['+390212345678', 'user_id:bruno']] });
  const never = await build({ events: [...apart, harmless] });
  for (const fact of facts) expect(await unlinked.lines(fact)).toEqual(await never.lines(fact));
  expect(await unlinked.lines('select count(distinct person_id) from persons')).toEqual(['2']);
  expect(unlinked.failing.error).toEqual([]);
});

test('an unlinked pair counts for no limit: a shared identifier is one person’s again', async () => {
  const cards = ['c1', 'c2', 'c3', 'c4'].map((crm_id, index) =>
    seen(crm_id, index, { crm_id, email: 'desk@example.org' }),
  );
  const shared = await build({ events: cards });
  expect(await shared.lines('select kind, links from identity_hubs')).toEqual(['email 4']);
  const mended = await build({ events: cards, unlinks: [['crm_id:c4', 'desk@example.org']] });
  expect(await mended.lines('select count(*) from identity_hubs')).toEqual(['0']);
  expect(await mended.lines('select count(distinct person_id) from events')).toEqual(['2']);
});

test('the command takes identifiers as people write them, once, and takes itself back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'percorso-unlink-'));
  const key = '07'.repeat(32);
  const run = async (...argv: string[]) => {
    const world = { cwd: dir, env: { PERCORSO_IDENTIFIER_KEY: key }, now: () => new Date('2026-06-10T09:00:00Z') };
    const { code, stdout, stderr } = await runCommand(argv, world);
    return { code, out: `${stdout}${stderr}` };
  };
  try {
    await run('init', 'acme');
    const acme = ['--dir', 'acme'];
    const identifiers = createIdentifiers(Buffer.from(key, 'hex'), 'IT');
    const phone = hashOfIdentifier('02 1234 5678', identifiers);
    const card = hashOfIdentifier('crm_id:123', identifiers);
    const store = createFolderStore(join(dir, 'acme', 'lake'));
    const record = { identifier_a: card, identifier_b: phone, unlinked_at: '2026-06-10T09:00:00.000Z' };
    expect((await run(...acme, 'unlink', '+39 02 1234 5678', 'crm_id:123')).out).toContain('is taken out');
    expect((await run(...acme, 'unlink', card, phone)).out).toContain('was taken out before');
    expect(await readUnlinks(store)).toEqual([record]);
    expect((await run(...acme, 'unlink', '--undo', 'crm_id: 123', 'phone:0212345678')).out).toContain('counts again');
    expect(await readUnlinks(store)).toEqual([]);
    expect((await run(...acme, 'unlink', 'crm_id:1', 'crm_id:1')).code).toBe(2);
    const wrong = await run(...acme, 'unlink', 'nobody', 'crm_id:1');
    expect([wrong.code, wrong.out.includes('nobody')]).toEqual([2, false]);
    expect(wrong.out).toContain('KIND:VALUE');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
