import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `percorso` in a company's folder. @throws Error with what it said where it fails. */
export async function percorso(dir: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'percorso.js'), ...args], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, said] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000);
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`percorso ${args.join(' ')}: ${code}\n${said}`)),
    );
  });
}

/** Rows of `percorso query`, every value as text or null. */
export async function query(dir: string, sql: string): Promise<Record<string, string | null>[]> {
  const rows = z
    .array(z.record(z.string(), z.unknown()))
    .parse(JSON.parse(await percorso(dir, 'query', sql, '--format', 'json')));
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)])),
  );
}

/** One value of `percorso query` as a number. */
export async function queryNumber(dir: string, sql: string): Promise<number> {
  const [row] = await query(dir, sql);
  const value = Object.values(row ?? {})[0];
  if (value === undefined || value === null) throw new Error(`no value for ${sql}`);
  return Number(value);
}

/** Names as nobody should choose them, and somebody will. */
export const hostileNames = [
  '<img src=x onerror="window.__hostile=1">',
  "Spring 'sale' \"now\" \\ d'estate",
  '=HYPERLINK("http://127.0.0.1:1/","click")',
  '🚀 lancio 🎉 קמפיין שלום',
  `${'Long name '.repeat(20)}end`.slice(0, 200),
  '</script><script>window.__hostile=1</script>',
];

const day = (number: number) => new Date(Date.UTC(2026, 0, 1 + number)).toISOString().slice(0, 10);

/** A company whose channels and whose own name are hostile: 8 customers a channel with two orders each, and a cost a week. */
export async function makeHostileCompany(dir: string): Promise<void> {
  await makeCompany(dir, { name: `${hostileNames[0]} & Sons`, language: 'en', currency: 'GBP' });
  const events: unknown[] = [];
  const costs: unknown[] = [];
  for (const [place, channel] of hostileNames.entries()) {
    for (let person = 0; person < 8; person++) {
      const identifiers = { user_id: `u-${place}-${person}` };
      const begin = (person * 11 + place) % 60;
      const at = (offset: number, hour: string) => `${day(begin + offset)}T${hour}:00Z`;
      const common = { source: 'shop', identifiers };
      events.push({
        ...common,
        event_id: `t-${place}-${person}`,
        event_type: 'Contact',
        occurred_at: at(0, '09:00'),
        touch: { channel },
      });
      events.push({
        ...common,
        event_id: `l-${place}-${person}`,
        event_type: 'Lead Created',
        occurred_at: at(1, '09:30'),
      });
      for (const [number, offset] of [2, 40].entries()) {
        events.push({
          ...common,
          event_id: `o-${place}-${person}-${number}`,
          event_type: 'Order Completed',
          occurred_at: at(offset, '10:00'),
          value: {
            order_id: `${place}-${person}-${number}`,
            revenue: `${100 + place * 10 + person}.35`,
            margin: `${40 + place}.10`,
            currency: 'GBP',
          },
        });
      }
    }
    for (let week = 0; week < 14; week++) {
      costs.push({
        cost_date: day(week * 7),
        source: 'ads',
        campaign_id: `c-${place}`,
        channel,
        spend: `${12 + place}.50`,
        currency: 'GBP',
      });
    }
  }
  await importLines(dir, 'events.jsonl', events);
  await importLines(dir, 'costs.jsonl', costs);
  await percorso(dir, 'build');
}

/** A company of 36 months and 40 channels, the hostile ones among them: 5 customers a channel and quarter, a cost a month. */
export async function makeWideCompany(dir: string): Promise<void> {
  await makeCompany(dir, { name: 'Grande e larga S.p.A.', language: 'it', currency: 'EUR' });
  const channels = [...hostileNames, ...Array.from({ length: 34 }, (_, place) => `Canale numero ${place + 1}`)];
  const start = Date.UTC(2023, 0, 3);
  const events: unknown[] = [];
  const costs: unknown[] = [];
  for (const [place, channel] of channels.entries()) {
    for (let number = 0; number < 60; number++) {
      const identifiers = { user_id: `u-${place}-${number}` };
      const at = (days: number) =>
        new Date(start + (Math.floor(number / 5) * 91 + (number % 5) + days) * 86_400_000).toISOString();
      const common = { source: 'shop', identifiers };
      events.push(
        { ...common, event_id: `t-${place}-${number}`, event_type: 'Contact', occurred_at: at(0), touch: { channel } },
        { ...common, event_id: `l-${place}-${number}`, event_type: 'Lead Created', occurred_at: at(1) },
        {
          ...common,
          event_id: `o-${place}-${number}`,
          event_type: 'Order Completed',
          occurred_at: at(2),
          value: { order_id: `${place}-${number}`, revenue: '120.00', margin: `${10 + place}.00`, currency: 'EUR' },
        },
      );
    }
    for (let month = 0; month < 36; month++) {
      costs.push({
        cost_date: new Date(Date.UTC(2023, month, 5)).toISOString().slice(0, 10),
        source: 'ads',
        campaign_id: `c-${place}`,
        campaign: `${channel} campaign`,
        channel,
        spend: '30.00',
        currency: 'EUR',
      });
    }
  }
  await importLines(dir, 'events.jsonl', events);
  await importLines(dir, 'costs.jsonl', costs);
  await percorso(dir, 'build');
}

/** A company that has bought advertising and sold nothing. */
export async function makeCompanyWithoutOrders(dir: string): Promise<void> {
  await makeCompany(dir, { name: 'Senza Ordini', language: 'it', currency: 'EUR' });
  await importLines(dir, 'costs.jsonl', [
    {
      cost_date: '2026-02-01',
      source: 'ads',
      campaign_id: 'c',
      channel: 'Paid Search',
      spend: '10.00',
      currency: 'EUR',
    },
  ]);
  await percorso(dir, 'build');
}

/** A company that sells and knows no cost. */
export async function makeCompanyWithoutCosts(dir: string): Promise<void> {
  await makeCompany(dir, { name: 'Senza Costi', language: 'it', currency: 'EUR' });
  const events = Array.from({ length: 12 }, (_, person) => [
    {
      event_id: `t${person}`,
      event_type: 'Contact',
      occurred_at: `${day(person)}T08:00:00Z`,
      source: 'shop',
      identifiers: { user_id: `p${person}` },
      touch: { channel: 'Email' },
    },
    {
      event_id: `o${person}`,
      event_type: 'Order Completed',
      occurred_at: `${day(person)}T10:00:00Z`,
      source: 'shop',
      identifiers: { user_id: `p${person}` },
      value: { order_id: `${person}`, revenue: '50.00', margin: '20.00', currency: 'EUR' },
    },
  ]).flat();
  await importLines(dir, 'events.jsonl', events);
  await percorso(dir, 'build');
}

/** A company that has a configuration and nothing else. */
export async function makeEmptyCompany(dir: string): Promise<void> {
  await makeCompany(dir, { name: 'Vuota', language: 'it', currency: 'EUR' });
  await percorso(dir, 'build');
}

async function makeCompany(dir: string, config: Record<string, unknown>): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(
    join(dir, 'percorso.config.ts'),
    `import { defineConfig } from 'percorso';\nexport default defineConfig(${JSON.stringify({ timeZone: 'UTC', ...config })});\n`,
  );
}

async function importLines(dir: string, name: string, records: readonly unknown[]): Promise<void> {
  const file = join(dir, name);
  await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  await percorso(dir, 'import', file);
}
