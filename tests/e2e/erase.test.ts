import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import { createFolderStore } from '#adapters/folder-store';
import { createSpoolQueue } from '#adapters/spool-queue';
import { createIdentifiers } from '#core/identifiers';
import { createSealing } from '#core/sealing';
import { createVaultOpener, createVaultSealer, parseVaultKey } from '#core/vault-sealing';
import { encodeDelivery } from '#pipeline/arrivals/drain';
import { queryMarts } from '#pipeline/reading/query';
import { runProcess } from '../killed-process.ts';
import { runCommand } from '../run-command.ts';
import { filesUnder, textsUnder } from './company-files.ts';

const key = Buffer.alloc(32, 5);
const identifiers = createIdentifiers(key, 'IT');
const vaultSecret = '5a'.repeat(32);
const vaultKey = parseVaultKey(vaultSecret) ?? { publicKey: Buffer.alloc(0) };
let root: string;

const env = { PERCORSO_IDENTIFIER_KEY: key.toString('hex'), PERCORSO_VAULT_KEY: vaultSecret };
const run = (dir: string, args: string[]) => runCommand(['--dir', dir, ...args], { cwd: root, env });

/** Anna, as seven systems know her. */
const anna = {
  email: 'Anna.Rossi+shop@Esempio.it',
  phone: '+39 333 123 45 67',
  user_id: 'app-user-7741',
  crm_id: 'CRM-000991',
  loyalty_card: '2990017712345',
  phoneCookie: 'cookie-anna-phone-1',
  officeCookie: 'cookie-anna-office-2',
};
const switchboard = '+39 02 5551234';

function* events(): Generator<object> {
  const at = (day: number, hour = 9, minute = 0) => new Date(Date.UTC(2026, 0, day, hour, minute)).toISOString();
  const page = (address: string) => `https://shop.example/${address}`;
  yield {
    event_id: 'v1',
    event_type: 'Page Viewed',
    occurred_at: at(2),
    source: 'web',
    identifiers: { anonymous_id: anna.phoneCookie },
    touch: {
      landing_page: page(
        'video?utm_source=youtube&utm_medium=video&uid=app-user-7741&mail=anna.rossi%2Bshop%40esempio.it',
      ),
      source: 'youtube',
      medium: 'video',
    },
    device: { class: 'mobile', os: 'iOS', browser: 'Safari' },
    place: { country: 'IT', region: 'Lombardia' },
  };
  yield {
    event_id: 'v2',
    event_type: 'Page Viewed',
    occurred_at: at(4, 10),
    source: 'web',
    identifiers: { anonymous_id: anna.officeCookie },
    touch: { source: 'google', medium: 'cpc', campaign: 'brand', term: 'scarpe anna rossi' },
    device: { class: 'desktop' },
  };
  // The same minute on two devices: two sessions, before and after.
  yield {
    event_id: 'v3',
    event_type: 'Page Viewed',
    occurred_at: at(4, 10, 5),
    source: 'web',
    identifiers: { anonymous_id: anna.phoneCookie },
    touch: { source: 'newsletter', medium: 'email' },
    device: { class: 'mobile' },
  };
  yield {
    event_id: 'call-CRM-000991-1',
    event_type: 'Contact',
    occurred_at: at(6),
    source: 'calls',
    identifiers: { phone: anna.phone, crm_id: anna.crm_id },
    touch: { channel: 'Phone' },
    properties: { agent: 'Luca', note: 'asked for anna.rossi+shop@esempio.it' },
  };
  yield {
    event_id: 'visit-1',
    event_type: 'Contact',
    occurred_at: at(8),
    source: 'till',
    identifiers: { loyalty_card: anna.loyalty_card, crm_id: anna.crm_id },
    touch: { channel: 'Store' },
  };
  yield {
    event_id: 'o-anna-1',
    event_type: 'Order Completed',
    occurred_at: at(10),
    source: 'web',
    identifiers: { anonymous_id: anna.officeCookie, email: anna.email, phone: anna.phone },
    value: { order_id: 'W-1001', revenue: '120.00', margin: '40.00', currency: 'EUR' },
    properties: { ship_to: 'via Anna 1', coupon: 'CRM-000991' },
  };
  yield {
    event_id: 'o-anna-2',
    event_type: 'Order Completed',
    occurred_at: at(20),
    source: 'till',
    identifiers: { loyalty_card: anna.loyalty_card },
    value: { order_id: 'T-77', revenue: '33.30', margin: '10.00', currency: 'EUR' },
  };
  yield {
    event_id: 'r-anna-1',
    event_type: 'Order Refunded',
    occurred_at: at(22),
    source: 'web',
    identifiers: { email: anna.email },
    value: { order_id: 'W-1001', revenue: '20.00', margin: '8.00', currency: 'EUR' },
  };
  yield {
    event_id: 'login-1',
    event_type: 'Identify',
    occurred_at: at(11),
    source: 'app',
    identifiers: { anonymous_id: anna.phoneCookie, user_id: anna.user_id, email: anna.email },
  };
  // A friend names her: the event is the friend's, the address is hers.
  yield {
    event_id: 'friend-1',
    event_type: 'Form Submitted',
    occurred_at: at(12),
    source: 'web',
    identifiers: { anonymous_id: 'cookie-of-a-friend' },
    touch: { source: 'google', medium: 'organic' },
    properties: { friend: anna.email, friend_id: anna.crm_id, wish: 'red' },
  };
  for (let person = 0; person < 40; person++) {
    const cookie = { anonymous_id: `cookie-of-${person}` };
    const customer = {
      ...cookie,
      email: `customer${person}@esempio.it`,
      ...(person < 6 ? { phone: switchboard } : {}),
    };
    const sources = [
      { source: 'google', medium: 'cpc', campaign: 'brand' },
      { source: 'facebook', medium: 'paid_social' },
      { source: 'newsletter', medium: 'email' },
    ];
    const touch = sources[person % 3];
    yield {
      event_id: `p${person}`,
      event_type: 'Page Viewed',
      occurred_at: at(1 + (person % 9)),
      source: 'web',
      identifiers: cookie,
      touch,
    };
    yield {
      event_id: `o${person}`,
      event_type: 'Order Completed',
      occurred_at: at(12 + (person % 9)),
      source: 'web',
      identifiers: customer,
      value: { order_id: `W-${person}`, revenue: `${50 + person}.50`, margin: '15.00', currency: 'EUR' },
    };
  }
}

const jsonLines = (records: Iterable<object>) => `${[...records].map((record) => JSON.stringify(record)).join('\n')}\n`;

const totalsSql = `
  select 'conversions' as what, conversion_type as a, '' as b, '' as c, cast(count(*) as varchar) as n, cast(sum(revenue) as varchar) as r, cast(sum(margin) as varchar) as m from conversions group by 2
  union all
  select 'credit', model, conversion_type, channel, cast(round(sum(conversions), 6) as varchar), cast(sum(revenue) as varchar), cast(sum(margin) as varchar) from channel_daily group by 2, 3, 4
  union all
  select 'spend', channel, kind, '', '', cast(sum(spend) as varchar), '' from spend_daily group by 2, 3
  union all
  select 'sessions', channel, device_class, '', cast(count(*) as varchar), '', '' from sessions group by 2, 3
  union all
  select 'touches', channel, device_class, stage, cast(count(*) as varchar), '', '' from touches group by 2, 3, 4
  union all
  select 'persons', stage, state, first_channel, cast(count(*) as varchar), cast(sum(revenue) as varchar), '' from persons group by 2, 3, 4
  order by 1, 2, 3, 4, 5`;

async function query(dir: string, sql: string) {
  const { rows } = await queryMarts(createFolderStore(join(dir, 'lake')), (tables) => openMarts(tables), sql);
  return rows;
}

const hashes = [
  identifiers.hash('email', anna.email.toLowerCase()),
  identifiers.hash('phone', '+393331234567'),
  identifiers.hash('user_id', anna.user_id),
  identifiers.hash('crm_id', anna.crm_id),
  identifiers.hash('loyalty_card', anna.loyalty_card),
  identifiers.hash('anonymous_id', anna.phoneCookie),
  identifiers.hash('anonymous_id', anna.officeCookie),
].map((hash) => hash.slice(2));

/** Written apart from the command's own proof: every form of every identifier, in every file, by plain search. */
async function filesThatHoldHer(dir: string): Promise<string[]> {
  const plain = [
    ...Object.values(anna),
    '333 1234567',
    '3331234567',
    '393331234567',
    'anna.rossi+shop@esempio.it',
    'anna.rossi%2Bshop%40esempio.it',
    'scarpe anna',
    'via Anna',
  ];
  const forms = [...hashes, ...plain.flatMap((text) => [text, encodeURIComponent(text)])].map((form) =>
    form.toLowerCase(),
  );
  const held: string[] = [];
  const sealing = createSealing(key);
  for await (const file of textsUnder(dir)) {
    const { path } = file;
    let { text } = file;
    if (path.includes('/rejected/')) {
      text = text.replace(/sealed1:[A-Za-z0-9+/=]+/g, (sealed) =>
        Buffer.from(sealing.open(sealed), 'base64').toString('utf8').replaceAll('\\"', '"'),
      );
    }
    if (path.includes('/vault/')) {
      const open = createVaultOpener(vaultKey);
      text = text.replace(/vault1:[0-9a-f]{8}:[A-Za-z0-9+/=]+/g, (sealed) => open(sealed));
    }
    const lower = `${relative(dir, path)}\n${text}`.toLowerCase();
    if (forms.some((form) => lower.includes(form))) held.push(relative(dir, path));
  }
  return held;
}

let totals: unknown[];
const made = () => join(root, 'made');

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'percorso-erase-'));
  const dir = made();
  await mkdir(join(dir, 'files'), { recursive: true });
  await mkdir(join(dir, 'landing'), { recursive: true });
  await writeFile(
    join(dir, 'percorso.config.ts'),
    "export default { name: 'Acme', money: { defaultMarginRate: 0.3 }, sources: { web: {}, till: {}, app: {}, calls: {} } };\n",
  );
  const all = [...events()];
  await writeFile(join(root, 'events.jsonl'), jsonLines(all.filter((_, index) => index % 2 === 0)));
  await writeFile(join(root, 'rest.jsonl'), jsonLines(all.filter((_, index) => index % 2 === 1)));
  await writeFile(
    join(root, 'others.jsonl'),
    jsonLines([
      {
        event_id: 'z1',
        event_type: 'Page Viewed',
        occurred_at: '2026-01-03T09:00:00Z',
        source: 'web',
        identifiers: { anonymous_id: 'z' },
      },
    ]),
  );
  await writeFile(
    join(root, 'costs.jsonl'),
    jsonLines([
      { cost_date: '2026-01-05', source: 'google_ads', spend: '12.50', currency: 'EUR', channel: 'Paid Search' },
    ]),
  );
  // Refused records that hold her: address upper case, number in national form, and one of somebody else.
  const bad = { event_type: 'Order Completed', occurred_at: 'yesterday', source: 'web' };
  const named = 'list of anna.rossi+shop@esempio.it.jsonl';
  await writeFile(
    join(root, named),
    jsonLines([
      { ...bad, identifiers: { email: anna.email.toUpperCase() } },
      { ...bad, identifiers: { phone: '333 1234567' } },
      { ...bad, identifiers: { crm_id: anna.crm_id } },
      { ...bad, identifiers: { email: 'somebody@else.it' } },
    ]),
  );
  const files = ['events.jsonl', 'rest.jsonl', 'others.jsonl', 'costs.jsonl'].map((file) => join(root, file));
  const imported = await run(dir, ['import', ...files]);
  expect(imported.code, imported.stderr).toBe(0);
  await run(dir, ['import', join(root, named)]);
  for (let n = 0; n < 2; n++) {
    const built = await run(dir, ['build', '--full-refresh']);
    expect(built.code, built.stderr).toBe(0);
  }
  totals = await query(dir, totalsSql);
  // What still waits in the spool is hers as well; it moves no figure.
  await createSpoolQueue(join(dir, '.percorso', 'spool')).send([
    encodeDelivery({
      events: [
        {
          source: 'app',
          event_id: 'spool-1',
          event_type: 'Email Sent',
          occurred_at: '2026-01-22T09:00:00.000Z',
          received_at: '2026-01-23T09:00:00.000Z',
          trust: 'server',
          keys: { user_id: identifiers.hash('user_id', anna.user_id) },
          identifiers: { user_id: anna.user_id },
          schema_version: 1,
        },
      ],
      rejected: [],
      vault: [
        {
          key: identifiers.hash('email', anna.email.toLowerCase()),
          seen_at: '2026-01-22T09:00:00.000Z',
          address: createVaultSealer(vaultKey)(anna.email.toLowerCase()),
        },
      ],
    }),
  ]);
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('after an erasure no file holds an identifier in any form, and every total without persons is as it was', async () => {
  const dir = join(root, 'erased');
  await cp(made(), dir, { recursive: true });
  const [anna0] = await query(dir, "select person_id from events where event_id = 'o-anna-1'");
  expect(await query(dir, `select count(*) from events where person_id = '${String(anna0?.[0])}'`)).toEqual([[9]]);
  expect((await filesThatHoldHer(dir)).length).toBeGreaterThan(5);
  const builds = async () => readdir(join(dir, 'lake', 'marts', 'builds'));
  const before = await builds();
  expect((await filesThatHoldHer(dir)).filter((name) => name.startsWith('lake/vault/')).length).toBeGreaterThan(1);
  await writeFile(join(dir, 'landing', 'friday.csv'), 'name;phone\nA.R.;333-123 4567\n');
  await writeFile(join(dir, 'landing', 'saturday.csv'), 'name;phone\nB.;333-123 9999\n');

  const first = await run(dir, ['erase', anna.email]);
  expect(first.code, first.stderr).toBe(1);
  expect(first.stderr).toContain('still held in landing/friday.csv');
  expect(first.stderr).not.toMatch(/saturday|anna|3331234567|[uclepa]:[0-9a-f]{24}/i);
  expect(first.stderr).toContain('totals without persons are as they were');

  const again = await run(dir, ['--json', 'erase', '+39 333 1234567', '--landing']);
  expect(again.code, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ held: [], held_by_hand: [], landing_files: 1, isUnknown: false });
  expect(await readdir(join(dir, 'landing'))).toEqual(['saturday.csv']);

  expect(await filesThatHoldHer(dir)).toEqual([]);
  const after = await query(dir, totalsSql);
  expect(after).toEqual(totals);
  // Her events are one person's still, with nothing of her.
  const [order] = await query(dir, "select person_id from events where event_id = 'o-anna-1'");
  expect(String(order?.[0])).toMatch(/^u:[0-9a-f]{24}$/);
  expect(hashes).not.toContain(String(order?.[0]).slice(2));
  expect((await builds()).filter((build) => before.includes(build))).toEqual([]);
  // The refused record of somebody else stands.
  const rejected = await run(dir, ['--json', 'rejected']);
  expect(JSON.parse(rejected.stdout)).toMatchObject([{ records: 1 }]);

  // Old files that come in again, packed otherwise, bring nobody back and move nothing.
  await writeFile(join(root, 'again.jsonl'), jsonLines([...events()].reverse()));
  const imported = await run(dir, ['import', join(root, 'again.jsonl')]);
  expect(imported.code, imported.stderr).toBe(0);
  const built = await run(dir, ['build']);
  expect(built.code, built.stderr).toBe(0);
  expect(await query(dir, "select count(*) from conversions where person_id is null or person_id like 'x:%'")).toEqual([
    [0],
  ]);
  const credit = (rows: unknown[][]) => rows.filter(([what]) => what === 'credit' || what === 'conversions');
  expect(credit(await query(dir, totalsSql))).toEqual(credit(after));
  // Neither do her hashes, whoever names her. What a friend's event calls her in plain, no door can know for hers.
  expect((await filesThatHoldHer(dir)).filter((name) => !name.startsWith('lake/raw/'))).toEqual([]);
  const doctor = await run(dir, ['--json', 'doctor']);
  expect(doctor.stdout).toMatch(/"says": "41 addresses for later sending, 0 identifiers/);
  const raw = await filesUnder(join(dir, 'lake', 'raw'));
  const texts = await Promise.all(raw.map(async (path) => gunzipSync(await readFile(path)).toString('utf8')));
  expect(texts.filter((text) => hashes.some((hash) => text.includes(hash)))).toEqual([]);
});

test('an erasure that is killed half way, and run again, ends the same', async () => {
  const dir = join(root, 'killed');
  await cp(made(), dir, { recursive: true });
  const before = new Set(await filesUnder(join(dir, 'lake', 'raw')));
  let kills = 0;
  const isRewriting = async () => {
    const found = await filesUnder(join(dir, 'lake', 'raw')).catch(() => []);
    const isNew = found.some((path) => !before.has(path) && path.endsWith('.gz'));
    return isNew && (await readdir(join(dir, 'lake'))).includes('erasing.json');
  };
  const isBuilding = async () =>
    (await readdir(join(dir, 'lake', 'erased')).catch(() => [])).length > 0 &&
    (await readdir(join(dir, '.percorso', 'work')).catch(() => [])).some((name) => name.startsWith('build-'));
  for (const when of [isRewriting, isBuilding]) {
    const { code } = await runProcess(['--dir', dir, 'erase', `crm_id:${anna.crm_id}`], { env, killWhen: when });
    if (code === null) kills += 1;
  }
  expect(kills).toBeGreaterThan(0);
  const ended = await run(dir, ['erase', `crm_id:${anna.crm_id}`]);
  expect(ended.code, ended.stderr).toBe(0);
  expect(await filesThatHoldHer(dir)).toEqual([]);
  expect(await query(dir, totalsSql)).toEqual(totals);
  expect(await readdir(join(dir, 'lake'))).not.toContain('erasing.json');
});

test('an identifier of which nothing is known is said to be unknown, and nothing changes', async () => {
  const dir = join(root, 'unknown');
  await cp(made(), dir, { recursive: true });
  await rm(join(dir, '.percorso', 'spool'), { recursive: true });
  const kept = async () => (await filesUnder(join(dir, 'lake'))).filter((path) => !path.includes('/marts/'));
  const before = await kept();
  const { code, stderr } = await run(dir, ['erase', 'nobody@esempio.it']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/nothing is known/);
  expect(stderr).not.toContain('nobody@');
  expect(await kept()).toEqual(before);
  const wrong = await run(dir, ['erase', 'C-17']);
  expect(wrong.code).toBe(2);
});
