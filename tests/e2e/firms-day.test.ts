import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createFolderStore } from '#adapters/folder-store';
import { createSpoolQueue } from '#adapters/spool-queue';
import { createRateCheck } from '#core/fx-rates';
import { createIdentifiers } from '#core/identifiers';
import { createVaultOpener } from '#core/vault-sealing';
import { createCollectApp } from '#handlers/collect';
import { createCollector } from '#pipeline/arrivals/collect';
import { drainSpool } from '#pipeline/arrivals/drain';
import { loadCompany } from '#pipeline/company/company';
import { runCommand } from '../run-command.ts';
import { textsUnder } from './company-files.ts';

/*
 * One customer, Lucia, on one Monday. She sees a video on the phone, searches on the office computer and asks to be called,
 * calls the shop, visits it, orders on the site, writes a comment, and logs in to the app. Each system knows its own piece.
 */
const phone = '+39 333 765 4321';
const email = 'Lucia.Rossi@example.org';
const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1';
const office =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36';
const iPad =
  'Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1';

const entry = z.object({
  local_time: z.string(),
  entry: z.string(),
  what: z.string(),
  channel: z.string().nullable(),
  device_class: z.string().nullable(),
  source: z.string().nullable(),
});
const link = z.object({ with: z.string(), event_id: z.string(), source: z.string().nullable() });
const explained = z.object({
  person_id: z.string(),
  known_as: z.array(
    z.object({
      identifiers: z.array(z.object({ identifier: z.string(), kind: z.string().nullable(), because: z.array(link) })),
      story: z.array(entry),
    }),
  ),
});

describe('one customer on one day of the firm', () => {
  let folder: string;
  const env = { KEY_SITE: 'public-key', KEY_SERVER: 'secret-key', PERCORSO_IDENTIFIER_KEY: '11'.repeat(32) };
  let clock = new Date('2026-05-04T06:00:00Z');

  async function percorso(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand(argv, { cwd: folder, env, now: () => clock });
    expect(code, stderr).toBe(0);
    return stdout;
  }

  /** A time of that Monday in Rome, as an instant. */
  const rome = (time: string) => new Date(`2026-05-04T${time}:00+02:00`);

  /** Sends a batch to the real door, in process, at that time. */
  async function send(key: string, time: string, ...messages: Record<string, unknown>[]): Promise<void> {
    clock = rome(time);
    const company = await loadCompany({ dir: folder, env, openStore: createFolderStore });
    const queue = createSpoolQueue(company.paths.spool);
    const app = createCollectApp(
      createCollector({
        config: company.config,
        identifierKey: await company.identifierKey(),
        sealAddress: await company.sealAddress(),
        env,
        queue,
        hasRate: createRateCheck(company.config.currency, company.lists.fxRates),
        now: () => clock,
      }),
    );
    const batch = messages.map((message, index) => ({
      messageId: `${time}-${index}`,
      timestamp: clock.toISOString(),
      ...message,
    }));
    const response = await app.request('/v1/batch', {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
      body: JSON.stringify({ batch }),
    });
    expect(await response.json()).toMatchObject({ success: true, rejected: 0 });
    await drainSpool(company, queue, () => clock);
  }

  async function drop(name: string, time: string, ...lines: string[]): Promise<void> {
    clock = rome(time);
    await writeFile(join(folder, name), `${lines.join('\n')}\n`);
    await percorso('import', name);
  }

  async function explain(...argv: string[]): Promise<z.output<typeof explained>> {
    return explained.parse(JSON.parse(await percorso('explain', 'person', ...argv, '--json')));
  }

  const lines = (person: z.output<typeof explained>, index = 0) =>
    (person.known_as[index]?.story ?? []).map(
      ({ local_time, what, channel, device_class, source }) =>
        `${local_time.slice(11, 16)} ${what} | ${channel} | ${device_class} | ${source}`,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'percorso-day-'));
    await mkdir(join(folder, 'mappings'));
    await writeFile(
      join(folder, 'percorso.config.ts'),
      `import { defineConfig } from 'percorso';
       export default defineConfig({ name: 'Negozio', web: { ownDomains: ['negozio.example'] }, sources: {
         site: { writeKeyEnv: 'KEY_SITE', kind: 'browser' }, shop: { writeKeyEnv: 'KEY_SERVER', trust: 1 }, till: {}, calls: {} } });`,
    );
    await writeFile(
      join(folder, 'mappings', 'calls.yaml'),
      `source: calls
files: 'calls*.csv'
events:
  - event_type: Contact
    event_id: 'call-{Id}'
    occurred_at: { column: Start, format: 'dd/MM/yyyy HH:mm' }
    identifiers: { phone: '{Caller}' }
    touch: { channel: Phone }
    device: { class: offline }
`,
    );
    await writeFile(
      join(folder, 'mappings', 'till.yaml'),
      `source: till
files: 'till*.csv'
events:
  - event_type: Contact
    event_id: 'till-{Scontrino}'
    occurred_at: { column: Data, format: 'dd/MM/yyyy HH:mm' }
    identifiers: { loyalty_card: '{Tessera}', email: '{Email}' }
    touch: { channel: Store }
    device: { class: offline }
`,
    );
    await writeFile(
      join(folder, 'mappings', 'comments.yaml'),
      `source: comments
files: 'comments*.csv'
events:
  - event_type: Contact
    event_id: 'comment-{Id}'
    occurred_at: { column: Written, format: 'dd/MM/yyyy HH:mm' }
    identifiers: { user_id: '{Account}' }
    touch: { channel: Organic Social }
    device: { class: mobile }
`,
    );

    const page = (url: string, userAgent: string, referrer = '') => ({
      type: 'page',
      properties: { url },
      context: { userAgent, page: { url, referrer } },
    });
    await send('public-key', '08:10', {
      anonymousId: 'cookie-phone',
      ...page('https://negozio.example/?utm_source=youtube&utm_medium=video&utm_campaign=spring', iPhone),
    });
    await send('public-key', '09:30', {
      anonymousId: 'cookie-office',
      ...page('https://negozio.example/kitchens', office, 'https://www.google.com/'),
    });
    await send('secret-key', '09:40', {
      type: 'track',
      event: 'Form Submitted',
      anonymousId: 'cookie-office',
      context: { traits: { phone: '333 7654321' }, userAgent: office },
    });
    // She calls at 11:00; the switchboard's log comes in two hours later.
    await drop('calls.csv', '13:00', 'Id,Start,Caller', `1,04/05/2026 11:00,${phone}`, '2,04/05/2026 11:30,0612345678');
    await drop('till.csv', '19:00', 'Scontrino;Data;Tessera;Email', `77;04/05/2026 16:20;T-900;${email}`);
    await send('public-key', '20:05', {
      anonymousId: 'cookie-home',
      ...page('https://negozio.example/kitchens', iPad),
    });
    await send('secret-key', '20:30', {
      type: 'track',
      event: 'Order Completed',
      anonymousId: 'cookie-home',
      userId: 'lucia',
      context: { traits: { email, phone }, userAgent: iPad },
      properties: { order_id: 'A-1', revenue: 1200, currency: 'EUR' },
    });
    await drop('comments.csv', '21:30', 'Id,Written,Account', '5,04/05/2026 21:10,lucia');
    await send(
      'public-key',
      '22:00',
      { type: 'identify', anonymousId: 'cookie-phone', userId: 'lucia', context: { userAgent: iPhone } },
      {
        type: 'screen',
        anonymousId: 'cookie-phone',
        userId: 'lucia',
        name: 'Orders',
        timestamp: rome('22:01').toISOString(),
        context: { userAgent: iPhone },
      },
    );
    // A tablet in the shop, on which she and somebody else log in.
    await send(
      'secret-key',
      '22:30',
      { type: 'identify', anonymousId: 'shop-tablet', userId: 'lucia' },
      { type: 'identify', anonymousId: 'shop-tablet', userId: 'mario' },
    );
    clock = new Date('2026-05-06T06:00:00Z');
    await percorso('build');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('is one person, each contact with its channel and device', async () => {
    const person = await explain(phone);
    expect(lines(person)).toEqual([
      '08:10 session | Organic Video | mobile | site',
      '08:10 awareness | Organic Video | mobile | site',
      '09:30 session | Organic Search | desktop | site',
      '09:40 acquisition | null | desktop | shop',
      '09:40 lead | null | desktop | shop',
      '11:00 contact | Phone | offline | calls',
      '16:20 contact | Store | offline | till',
      '20:05 session | Direct | tablet | site',
      '20:30 conversion | null | tablet | shop',
      '20:30 first_order | null | tablet | shop',
      '21:10 contact | Organic Social | mobile | comments',
      '22:01 session | Direct | mobile | site',
    ]);
    for (const id of [email, 'user_id:lucia', 'loyalty_card:T-900', 'anonymous_id:cookie-office', person.person_id]) {
      expect(await explain(id)).toMatchObject({ person_id: person.person_id, known_as: person.known_as });
    }
  });

  test('has seven identifiers, each hers because of an event that says so', async () => {
    const person = await explain('user_id:lucia');
    const reasons = person.known_as[0]?.identifiers.map(({ kind, because }) => [
      kind,
      [...new Set(because.map((one) => one.source))].sort().join(),
    ]);
    expect(reasons?.sort()).toEqual(
      [
        ['user_id', 'shop,site'],
        ['loyalty_card', 'till'],
        ['email', 'shop,till'],
        ['phone', 'shop'],
        ['anonymous_id', 'shop'],
        ['anonymous_id', 'shop'],
        ['anonymous_id', 'site'],
      ].sort(),
    );
  });

  test('is to the agent at the moment of the call who searched in the office, and no more', async () => {
    const then = await explain(phone, '--at', '2026-05-04T11:00');
    expect(lines(then)).toEqual([
      '09:30 session | Organic Search | desktop | site',
      '09:40 acquisition | null | desktop | shop',
      '09:40 lead | null | desktop | shop',
    ]);
    expect(then.known_as[0]?.identifiers.map(({ kind }) => kind)).toEqual(['phone', 'anonymous_id']);
    // At eight in the evening the till had told of a visit; nothing yet said that card and telephone are one person's.
    const evening = await explain('user_id:lucia', '--at', '2026-05-04 20:00');
    expect(evening.known_as).toEqual([]);
    const parts = await explain((await explain(phone)).person_id, '--at', '2026-05-04T20:00');
    expect(parts.known_as.map(({ story }) => story.length).sort()).toEqual([1, 2, 4]);
    const night = await explain(phone, '--at', '2026-05-04T23:00:00+02:00');
    expect(lines(night)).toEqual(lines(await explain(phone)));
  });

  test('is told of in text without a name, an address or a number of hers', async () => {
    const text = await percorso('explain', 'person', phone);
    expect(text).toContain('2026-05-04 11:00:00');
    expect(text).toMatch(
      /loyalty_card +l:[0-9a-f]{8} +with e:[0-9a-f]{8} on Contact of till \(till\/till-77\), 2026-05-04 16:20:00/,
    );
    expect(text).not.toMatch(/lucia|rossi|333|T-900|cookie-/i);
  });

  test('is not tied to a shared tablet, nor by a link that was taken out', async () => {
    const shape = z.object({
      known_as: z.array(
        z.object({
          ignored: z.array(z.object({ kind: z.string(), links: z.array(link) })),
          unlinked: z.array(z.object({ unlinked_at: z.string() })),
        }),
      ),
    });
    const told = async (...argv: string[]) =>
      shape.parse(JSON.parse(await percorso('explain', 'person', ...argv, '--json'))).known_as[0];
    const ignored = [{ kind: 'anonymous_id', links: [{ event_id: 'shop/22:30-0', source: 'shop' }] }];
    expect(await told('user_id:lucia')).toMatchObject({ ignored, unlinked: [] });
    expect(await told('user_id:lucia', '--at', '2026-05-04T22:45')).toMatchObject({ ignored, unlinked: [] });
    await expect(percorso('explain', 'person', 'anonymous_id:shop-tablet')).rejects.toThrow(/shared identifier/);

    await percorso('unlink', email, 'loyalty_card:T-900');
    await percorso('build');
    expect(await told('user_id:lucia')).toMatchObject({ unlinked: [{ unlinked_at: '2026-05-06T06:00:00.000Z' }] });
    expect(lines(await explain('loyalty_card:T-900'))).toEqual([
      '16:20 contact | Store | offline | till',
      '16:20 awareness | Store | offline | till',
    ]);
    await percorso('unlink', email, 'loyalty_card:T-900', '--undo');
    await percorso('build');
    expect(await told('user_id:lucia')).toMatchObject({ unlinked: [] });
  });

  test('is unknown where nobody has come in by that identifier', async () => {
    await expect(percorso('explain', 'person', 'nobody@example.org')).rejects.toThrow(/knows no person e:/);
    await expect(percorso('explain', 'person', phone, '--at', 'noon')).rejects.toThrow(/not an instant/);
  });

  /** Files of the firm that hold any identifier of hers, in any form: packed ones unpacked, Parquet read, the vault opened. */
  async function filesThatHoldHer(): Promise<string[]> {
    const company = await loadCompany({ dir: folder, env, openStore: createFolderStore });
    const { hash } = createIdentifiers(await company.identifierKey(), 'IT');
    const open = createVaultOpener(...(await company.vaultKeys()));
    const cookies = ['cookie-phone', 'cookie-office', 'cookie-home'];
    const hashes = [
      hash('email', email.toLowerCase()),
      hash('phone', '+393337654321'),
      hash('user_id', 'lucia'),
      hash('loyalty_card', 'T-900'),
      ...cookies.map((cookie) => hash('anonymous_id', cookie)),
    ].map((one) => one.slice(2));
    const plain = [
      'lucia',
      '333 765 4321',
      '333 7654321',
      '3337654321',
      't-900',
      encodeURIComponent(email),
      ...cookies,
    ];
    const held: string[] = [];
    for await (const { path, text } of textsUnder(folder)) {
      const opened = text.replace(/vault1:[0-9a-f]{8}:[A-Za-z0-9+/=]+/g, (sealed) => open(sealed));
      const lower = `${basename(path)}\n${opened}`.toLowerCase();
      if ([...hashes, ...plain].some((form) => lower.includes(form.toLowerCase()))) held.push(relative(folder, path));
    }
    return held;
  }

  test('is forgotten when she asks for it: no file holds an identifier of hers, and revenue by channel is as it was', async () => {
    const byChannel = () =>
      percorso(
        'query',
        'select model, conversion_type, channel, device_class, sum(conversions) as n, sum(revenue) as revenue from channel_daily group by 1, 2, 3, 4 order by 1, 2, 3, 4',
        '--format',
        'csv',
      );
    const before = await byChannel();
    expect(before).toMatch(/linear,first_order,Organic Video,mobile/);
    expect((await filesThatHoldHer()).filter((file) => file.startsWith('lake/vault/'))).not.toEqual([]);
    // What people dropped there is theirs to clear.
    for (const file of ['calls.csv', 'till.csv', 'comments.csv']) await rm(join(folder, file));
    clock = new Date('2026-05-07T06:00:00Z');
    await percorso('erase', phone);
    expect(await filesThatHoldHer()).toEqual([]);
    expect(await byChannel()).toBe(before);
    await expect(percorso('explain', 'person', email)).rejects.toThrow(/knows no person/);
  });
});
