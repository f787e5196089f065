import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connectorsIn, fileConnectors } from '#connectors/registry';
import { canonicalOf, fixturesIn } from './connector-company.ts';
import { testCompany } from './import-company.ts';

const folder = join(import.meta.dirname, '../fixtures/connectors');
const all = await fixturesIn(folder);

describe.each(all)('the connector $name', ({ name, files, expected }) => {
  it('has a fixture of each of its files', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(Object.keys(expected).sort()).toEqual(files.map((file) => file.name));
    expect(fileConnectors.map((connector) => connector.name)).toContain(name);
  });

  it.each(files)('makes of $name the canonical records that stand beside it', async (file) => {
    expect(JSON.parse(JSON.stringify(await canonicalOf(file.path, fileConnectors)))).toEqual(expected[file.name]);
  });

  it.each(files)('knows $name by its header, and no other does', async (file) => {
    const says: string[] = [];
    for (const connector of fileConnectors) {
      const read = await canonicalOf(file.path, [connector]).catch(() => undefined);
      if (read !== undefined) says.push(connector.name);
    }
    expect(says).toEqual([name]);
  });

  it.each(files)('lets the door take $name, once, however often it is imported', async (file) => {
    const company = await testCompany({}, { fxRates: [{ rate_date: '2026-01-01', currency: 'USD', rate: '0.9' }] });
    const source = name === 'segment' ? { source: 'shop' } : {};
    const { files: summaries } = await company.import([file.path], source);
    const wanted = await canonicalOf(file.path, fileConnectors);
    expect(summaries[0]).toMatchObject({
      events: wanted.events.length,
      costs: wanted.costs.length,
      rejected: wanted.problems.length,
      says: wanted.says,
    });
    await company.import([file.path], source);
    expect((await company.events()).length).toBe(wanted.events.length);
    expect((await company.costs()).length).toBe(wanted.costs.length);
    // Addresses and telephone numbers become hashes, wherever they stood.
    expect(JSON.stringify(await company.events())).not.toMatch(/@example|393331234567|333 1234567/);
  });
});

it('every connector has a folder of fixtures', () => {
  expect(all.map(({ name }) => name).sort()).toEqual(fileConnectors.map(({ name }) => name).sort());
});

it('a connector that is named reads a file whatever its header looks like, or says what it misses', async () => {
  const company = await testCompany();
  const path = await company.write('a.csv', 'Id,Score\n1,2\n');
  const { files } = await company.import([path], { as: 'shopify' });
  expect(files[0]?.refused?.message).toContain('has not the columns that shopify is read by');
  expect(files[0]?.refused?.mend).toContain('financial status');
  await expect(company.import([path], { as: 'shopfy' })).rejects.toThrow('no connector is called shopfy');
});

it('clicks of which nobody is named are refused with the way to those that are', async () => {
  const company = await testCompany();
  const text = 'id,_fivetran_synced,referer,browser,location,ip_address,url,user_agent\n1,2026-01-01,,x,y,,z,w\n';
  const { files } = await company.import([await company.write('email_event_click_data.csv', text)]);
  expect(files[0]?.refused?.mend).toContain('recipient');
});

describe('a new connector', () => {
  const temporary: string[] = [];
  afterAll(async () => {
    for (const path of temporary) await rm(path, { recursive: true, force: true });
  });

  it('is one file and one folder of fixtures', async () => {
    const home = await mkdtemp(join(tmpdir(), 'percorso-connector-'));
    temporary.push(home);
    await writeFile(
      join(home, 'acme-doors.mjs'),
      `export const acmeDoors = {
  name: 'acme-doors',
  source: 'doors',
  recognise: (columns) => (columns.includes('door_opened') ? 'openings of an Acme door' : undefined),
  numberColumns: () => [],
  open: async ({ source, columns }) => ({
    notes: [],
    isAside: () => false,
    read: ({ cells }) => ({
      kind: 'taken',
      costs: [],
      events: [{
        source, event_type: 'Contact', occurred_at: cells[columns.indexOf('door_opened')],
        identifiers: { loyalty_card: cells[columns.indexOf('card')] }, touch: { channel: 'Store' },
      }],
    }),
  }),
};
`,
    );
    await mkdir(join(home, 'fixtures/acme-doors'), { recursive: true });
    await writeFile(join(home, 'fixtures/acme-doors/a.csv'), 'door_opened,card\n2026-01-05T10:00:00Z,T-1\n');
    await writeFile(
      join(home, 'fixtures/acme-doors/expected.json'),
      JSON.stringify({
        'a.csv': {
          says: 'as openings of an Acme door',
          notes: [],
          leftOut: 0,
          problems: [],
          costs: [],
          events: [
            {
              source: 'fixture',
              event_type: 'Contact',
              occurred_at: '2026-01-05T10:00:00Z',
              identifiers: { loyalty_card: 'T-1' },
              touch: { channel: 'Store' },
            },
          ],
        },
      }),
    );
    const connectors = await connectorsIn(home);
    for (const { files, expected } of await fixturesIn(join(home, 'fixtures'))) {
      for (const file of files) expect(await canonicalOf(file.path, connectors)).toEqual(expected[file.name]);
    }
  });

  it('is found in the folder of the product: the registry names none of them', async () => {
    const product = join(import.meta.dirname, '../../functions/connectors');
    const found = await connectorsIn(product);
    expect(found.map(({ name }) => name).sort()).toEqual(fileConnectors.map(({ name }) => name).sort());
  });
});
