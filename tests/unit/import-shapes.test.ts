import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { testCompany } from './import-company.ts';

const mapping = `
source: crm
files: ['contacts*', 'people*']
events:
  - event_type: Lead Created
    occurred_at: { column: at }
    identifiers: { crm_id: '{id}' }
    properties: { city: '{city}', score: { column: score, type: number } }
`;
const company = async (more = '') => {
  const made = await testCompany();
  await made.write('mappings/contacts.yaml', `${mapping}${more}`);
  return made;
};
const table = 'id,at,city,score\n1,2026-01-05 10:00,Forlì,7.5\n2,2026-01-06,"Reggio, nell\'Emilia",8\n';

async function taken(name: string, content: string | Uint8Array, more = '') {
  const made = await company(more);
  const { files } = await made.import([await made.write(name, content)]);
  expect(files.map(({ refused }) => refused?.message)).toEqual([undefined]);
  const events = await made.events();
  return events.map((event) => [event.occurred_at, event.identifiers?.crm_id, event.properties, event.score]);
}

describe('one table in many shapes', () => {
  const expected = [
    ['2026-01-05T09:00:00.000Z', '1', '{"city":"Forlì"}', 7.5],
    ['2026-01-05T23:00:00.000Z', '2', '{"city":"Reggio, nell\'Emilia"}', 8],
  ];
  const objects = [
    { id: 1, at: '2026-01-05 10:00', city: 'Forlì', score: 7.5 },
    { id: '2', at: '2026-01-06', city: "Reggio, nell'Emilia", score: '8' },
  ];
  it.each([
    ['CSV', 'contacts.csv', table],
    ['CSV with a byte order mark and Windows line ends', 'contacts.csv', `\ufeff${table.replaceAll('\n', '\r\n')}`],
    ['CSV without a last line break', 'contacts.csv', table.trimEnd()],
    ['Windows-1252', 'contacts.csv', Buffer.from(table, 'latin1')],
    [
      'UTF-16, as spreadsheets save "Unicode text"',
      'contacts.txt',
      Buffer.from(
        `\ufeff${table
          .replace(/"(.*)"/, '$1')
          .replace(', ', '§')
          .replaceAll(',', '\t')
          .replace('§', ', ')}`,
        'utf16le',
      ),
    ],
    ['gzip', 'contacts.csv.gz', gzipSync(table)],
    ['zip', 'export.zip', zipSync({ 'folder/contacts.csv': strToU8(table) })],
    ['JSON Lines', 'contacts.jsonl', objects.map((one) => JSON.stringify(one)).join('\n')],
    ['a JSON array', 'contacts.json', JSON.stringify(objects)],
    ['a JSON array on many lines', 'contacts.json', JSON.stringify(objects, null, 2)],
    ['a list within a JSON object', 'contacts.json', JSON.stringify({ total: 2, results: objects }, null, 2)],
  ])('reads %s', async (_, name, content) => {
    expect(await taken(name, content)).toEqual(expected);
  });

  it.each([';', '\t', '|'])('sees that cells are divided by %j', async (delimiter) => {
    const text = `id${delimiter}at${delimiter}city${delimiter}score\n1${delimiter}2026-01-05 10:00${delimiter}Forlì${delimiter}7,5\n`;
    expect(await taken('contacts.csv', text)).toEqual([['2026-01-05T09:00:00.000Z', '1', '{"city":"Forlì"}', 7.5]]);
  });

  it('leaves a list within a single record where it is', async () => {
    const record = { id: 1, at: '2026-01-05 10:00', city: 'Forlì', score: 7.5, lines: [{ sku: 'a' }, { sku: 'b' }] };
    expect(await taken('contacts.json', JSON.stringify(record))).toEqual([expected[0]]);
  });

  it('reads Parquet, also its times and decimals', async () => {
    const made = await company();
    const path = join(made.dir, 'people.parquet');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(
      `copy (select 1 as id, timestamp '2026-01-05 10:00' as at, 'Forlì' as city, cast(7.5 as decimal(9,2)) as score) to '${path}' (format parquet)`,
    );
    connection.closeSync();
    const { files } = await made.import([path]);
    expect(files[0]).toMatchObject({ rows: 1, events: 1, rejected: 0 });
    expect((await made.events())[0]).toMatchObject({ occurred_at: '2026-01-05T09:00:00.000Z', score: 7.5 });
    const packed = await company();
    await packed.import([await packed.write('people.parquet.gz', gzipSync(await readFile(path)))]);
    expect(await packed.events()).toHaveLength(1);
    const { files: broken } = await made.import([
      await made.write('people2.parquet', Buffer.from('PAR1 nonsense PAR1')),
    ]);
    expect(broken[0]?.refused?.message).toMatch(/broken Parquet/);
  });

  it('reads columns divided by blanks, without a header where the mapping names them', async () => {
    const text = ' 1 20260105  3\n 2 20260106 14\n';
    const made = await testCompany();
    await made.write(
      'mappings/people.yaml',
      `source: crm
files: 'people*'
format: { type: fixed, header: [id, day, cds] }
events:
  - event_type: Lead Created
    occurred_at: { column: day, format: yyyyMMdd }
    identifiers: { crm_id: '{id}' }
`,
    );
    await made.import([await made.write('people.txt', text)]);
    expect((await made.events()).map(({ occurred_at }) => occurred_at)).toEqual([
      '2026-01-04T23:00:00.000Z',
      '2026-01-05T23:00:00.000Z',
    ]);
  });

  it('takes a broken line of JSON Lines out alone, and knows a cut-off one', async () => {
    const made = await testCompany();
    const line = (id: number) =>
      JSON.stringify({
        event_type: 'Contact',
        occurred_at: '2026-01-05T10:00:00Z',
        source: 'x',
        identifiers: { crm_id: `${id}` },
      });
    const text = `${line(1)}\n{"event_type": oops}\n[1]\n${line(2)}\n${line(3).slice(0, 50)}`;
    const { files } = await made.import([await made.write('events.jsonl', text)]);
    expect(files[0]).toMatchObject({ rows: 5, events: 2, rejected: 3 });
    expect(files[0]?.notes).toEqual(['cut off: the file ends within this record']);
  });

  it('reads a character that is cut by the end of a cut-off file as no other encoding', async () => {
    const bytes = Buffer.from('id,at,city,score\n1,2026-01-05,Forlì,7\n2,2026-01-06,Forlì');
    const made = await company();
    const { files } = await made.import([await made.write('contacts.csv', bytes.subarray(0, bytes.length - 1))]);
    expect(files[0]).toMatchObject({ events: 1, rejected: 1 });
    expect((await made.events())[0]?.properties).toBe('{"city":"Forlì"}');
  });

  it('reads batches of the Segment API, where a bad message fails alone', async () => {
    const made = await testCompany();
    const batch = {
      sentAt: '2026-01-05T10:00:05Z',
      batch: [
        {
          type: 'track',
          event: 'Order Completed',
          messageId: 'm1',
          userId: 'u1',
          timestamp: '2026-01-05T10:00:00Z',
          properties: { order_id: 'o1', total: 5, currency: 'EUR' },
        },
        { type: 'track', messageId: 'm2', userId: 'u1', timestamp: 'never' },
        { type: 'page', messageId: 'm3', anonymousId: 'a1', name: 'Home' },
      ],
    };
    const path = await made.write('sdk.jsonl', `${JSON.stringify(batch)}\n`);
    const refused = await made.import([path]);
    expect(refused.files[0]?.refused?.mend).toMatch(/--source/);
    const { files } = await made.import([path], { source: 'site' });
    expect(files[0]).toMatchObject({ rows: 3, events: 2, rejected: 1, via: 'connector:segment' });
    expect((await made.events()).map(({ event_id, source }) => [event_id, source])).toEqual([
      ['m1', 'site'],
      ['m3', 'site'],
    ]);
  });

  it('binds files to a source by a mapping that names a connector', async () => {
    const made = await testCompany();
    await made.write('mappings/site.yaml', "source: site\nfiles: 'sdk-*.jsonl'\nconnector: segment\n");
    const message = {
      type: 'page',
      messageId: 'm3',
      anonymousId: 'a1',
      name: 'Home',
      timestamp: '2026-01-05T10:00:00Z',
    };
    const { files } = await made.import([await made.write('sdk-1.jsonl', `${JSON.stringify(message)}\n`)]);
    expect(files[0]).toMatchObject({ events: 1, via: 'mapping:site.yaml' });
  });

  it('believes a mapping that was named over every other', async () => {
    const made = await company();
    const other = mapping.replace('Lead Created', 'Signed Up').replace(/files.*\n/, '');
    await made.write('elsewhere/other.yaml', other);
    await made.import([await made.write('contacts.csv', table)], { mapping: 'elsewhere/other.yaml', source: 'forms' });
    expect((await made.events()).map(({ event_type, source }) => [event_type, source])).toEqual([
      ['Signed Up', 'forms'],
      ['Signed Up', 'forms'],
    ]);
  });
});

const real = join(import.meta.dirname, '../../../shared/data/touches/attribution_data.csv.gz');
describe.skipIf(!existsSync(real))('a real gzip (skipped: no ../shared/data)', () => {
  it('is no known export, and says how to draft a mapping', async () => {
    const made = await testCompany();
    const { files } = await made.import([real]);
    expect(files[0]?.refused?.mend).toMatch(/--suggest attribution_data\.csv\.gz/);
  });
});
