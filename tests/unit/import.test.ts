import { gzipSync } from 'node:zlib';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { listRejected, replayRejected, showRejected } from '#pipeline/arrivals/rejected';
import { fileContents } from '#pipeline/imports/file-bytes';
import { fileReplayers } from '#pipeline/imports/file-replay';
import { importFiles } from '#pipeline/imports/import';
import { importedAt, testCompany } from './import-company.ts';

const till = `
source: till
files: 'till*'
events:
  - event_type: Order Completed
    event_id: 'till-{Scontrino}'
    occurred_at: { column: '{Data} {Ora}', format: 'dd/MM/yyyy HH:mm' }
    identifiers: { loyalty_card: '{Tessera}' }
    touch: { channel: Store }
    value: { order_id: '{Scontrino}', revenue: { column: Totale, required: true }, currency: EUR }
`;
const header = 'Scontrino;Data;Ora;Tessera;Totale';
const good = ['1;05/01/2026;10:30;T1;1.234,56', '2;06/01/2026;11:00;T2;9,90', '3;07/01/2026;12:15;T3;20,00'];
const file = (...rows: string[]) => `${[header, ...rows].join('\n')}\n`;

async function tillCompany(mapping = till) {
  const company = await testCompany();
  await company.write('mappings/till.yaml', mapping);
  return company;
}

describe('importing a file by its mapping', () => {
  it('reads Italian amounts and day-first times in the time zone of the company', async () => {
    const company = await tillCompany();
    const { files, hasFailed } = await company.import([await company.write('till-1.csv', file(...good))]);
    expect(hasFailed).toBe(false);
    expect(files[0]).toMatchObject({ rows: 3, events: 3, rejected: 0, via: 'mapping:till.yaml' });
    const events = await company.events();
    expect(events[0]).toMatchObject({
      source: 'till',
      event_id: 'till-1',
      occurred_at: '2026-01-05T09:30:00.000Z',
      trust: 'file',
      touch: { channel: 'Store' },
      value: { order_id: '1', revenue: '1234.56', currency: 'EUR' },
    });
  });

  it('rejects a bad row alone, with line, column and value, and takes the rest', async () => {
    const company = await tillCompany();
    const rows = [good[0] ?? '', '2;06/01/2026;11:00;T2;9,9x', '3;31/02/2026;12:15;T3;20,00', '4;08/01/2026;09:00;T4;'];
    const { files, hasFailed } = await company.import([await company.write('till-1.csv', file(...rows))]);
    expect(hasFailed).toBe(false);
    expect(files[0]).toMatchObject({ events: 1, rejected: 3 });
    expect(files[0]?.reasons).toEqual([
      'line 3: Totale: "9,9x" is not a number',
      'line 4: Data, Ora: "31/02/2026 12:15" is not a time like dd/MM/yyyy HH:mm',
      'line 5: Totale is empty; value.revenue needs it',
    ]);
    const shown = await showRejected(company.lake, await company.identifierKey(), {}, 10);
    expect(shown.map(({ record }) => [record.reason, record.line, record.column, record.file])).toEqual([
      ['wrong-number', 3, 'Totale', 'till-1.csv'],
      ['wrong-date', 4, 'Data, Ora', 'till-1.csv'],
      ['missing-field', 5, 'Totale', 'till-1.csv'],
    ]);
  });

  it('fails where not one row can be taken', async () => {
    const company = await tillCompany();
    const { hasFailed } = await company.import([await company.write('till.csv', file('1;x;y;T1;5,00'))]);
    expect(hasFailed).toBe(true);
  });

  it('refuses a file with another header whole: what is missing, what is new, the nearest names', async () => {
    const company = await tillCompany();
    const text = 'Scontrino;Data;Ora;Tesera;Importo lordo\n1;05/01/2026;10:30;T1;5,00\n';
    const { files, hasFailed } = await company.import([await company.write('till.csv', text)]);
    expect(hasFailed).toBe(true);
    expect(files[0]?.refused?.message).toBe(
      [
        'till.csv has other columns than till.yaml: nothing was taken',
        '  missing: Tessera (nearest: Tesera), Totale',
        '  not in the mapping: Tesera, Importo lordo',
      ].join('\n'),
    );
    expect(await company.rawKeys()).toEqual([]);
  });

  it('leaves out what `where` leaves out, and counts it', async () => {
    const company = await tillCompany(`${till}where: { Tessera: [T1, T3] }\n`);
    const { files } = await company.import([await company.write('till.csv', file(...good))]);
    expect(files[0]).toMatchObject({ rows: 3, events: 2, leftOut: 1, rejected: 0 });
  });

  it('takes no part of a row of which another part is bad', async () => {
    const twice = `${till}  - event_type: Contact
    occurred_at: { column: '{Data} {Ora}', format: 'dd/MM/yyyy HH:mm' }
    identifiers: { loyalty_card: '{Tessera}' }
    touch: { channel: { column: Tessera, map: { T1: Store } } }
`;
    const company = await tillCompany(twice);
    const { files } = await company.import([await company.write('till.csv', file(...good))]);
    expect(files[0]).toMatchObject({ events: 2, rejected: 2 });
    expect(files[0]?.reasons[0]).toBe('line 3: Tessera: "T2" is not in the map of the mapping');
  });

  it('does not guess whether 1.234 is a thousand or a fraction', async () => {
    const company = await tillCompany();
    const { files } = await company.import([await company.write('till.csv', file('1;05/01/2026;10:30;T1;1.234'))]);
    expect(files[0]?.reasons[0]).toMatch(/thousands or a fraction/);
  });

  it('never shows an address in what it says, nor keeps one in plain', async () => {
    const company = await tillCompany();
    const rows = ['1;05/01/2026;10:30;T1;anna@example.com', '2;anna@example.com;10:30;T1;5,00', '3;05/01/2026;10:30;;'];
    const { files } = await company.import([await company.write('till.csv', file(...rows))]);
    expect(JSON.stringify(files)).not.toContain('anna');
    for (const key of await company.lake.list('')) {
      const body = Buffer.from((await company.lake.get(key)) ?? []);
      expect(body.toString('latin1')).not.toContain('anna');
    }
    expect((await listRejected(company.lake)).some(({ sample }) => sample.includes('anna'))).toBe(false);
  });

  it('refuses an event of the year 2099 or 1970, and money without a rate', async () => {
    const company = await tillCompany(till.replace('currency: EUR', "currency: '{Valuta}'"));
    const text = `${header};Valuta\n1;05/01/2099;10:30;T1;5,00;EUR\n2;05/01/1970;10:30;T1;5,00;EUR\n3;05/01/2026;10:30;T1;5,00;USD\n4;05/01/2026;10:30;T1;5,00;EUR\n`;
    await company.import([await company.write('till.csv', text)]);
    const groups = await listRejected(company.lake);
    expect(groups.map(({ reason, records }) => [reason, records])).toEqual([
      ['out-of-bounds', 2],
      ['no-rate', 1],
    ]);
    expect(await company.events()).toHaveLength(1);
  });
});

describe('a file that is cut off or changes its columns', () => {
  it('is taken up to its last whole row, and says so', async () => {
    const company = await tillCompany();
    const cut = `${file(...good)}4;08/01/2026;09:0`;
    const { files, hasFailed } = await company.import([await company.write('till.csv', cut)]);
    expect(hasFailed).toBe(false);
    expect(files[0]).toMatchObject({ events: 3, rejected: 1 });
    expect(files[0]?.notes).toEqual(['cut off: line 5, the last, ends after 3 of 5 columns']);
  });

  it('is refused whole where the mapping says so', async () => {
    const company = await tillCompany(`${till}onCut: refuse\n`);
    const cut = `${file(...good)}4;08/01/2026;09:0`;
    const { files, hasFailed } = await company.import([await company.write('till.csv', cut)]);
    expect(hasFailed).toBe(true);
    expect(files[0]?.refused?.message).toMatch(/till\.csv: cut off: line 5.*nothing was taken/);
    expect(await company.rawKeys()).toEqual([]);
  });

  it('says where the columns change, and rejects what follows', async () => {
    const company = await tillCompany();
    const other = ['4;x;08/01/2026;09:00;T4;5,00', '5;x;08/01/2026;09:00;T4;5,00', '6;x;08/01/2026;09:00;T4;5,00'];
    const { files } = await company.import([await company.write('till.csv', file(...good, ...other))]);
    expect(files[0]).toMatchObject({ events: 3, rejected: 3 });
    expect(files[0]?.notes).toEqual(['the columns change near line 7: 6 instead of 5']);
  });

  it('never reads rows after a reordered header by the old one', async () => {
    const company = await tillCompany();
    const text = file(...good, 'Scontrino;Ora;Data;Tessera;Totale', '4;05/01/2026;10:30;T1;5,00');
    const { files } = await company.import([await company.write('till.csv', text)]);
    expect(files[0]).toMatchObject({ events: 3, rejected: 2 });
  });

  it('leaves out a repeated header', async () => {
    const company = await tillCompany();
    const { files } = await company.import([
      await company.write('till.csv', file(good[0] ?? '', header, good[1] ?? '')),
    ]);
    expect(files[0]).toMatchObject({ events: 2, leftOut: 1, rejected: 0 });
  });

  it('is taken up to a quote that never closes', async () => {
    const company = await tillCompany();
    const text = `${file(...good)}4;05/01/2026;"10:30;T1;5,00\n5;05/01/2026;10:30;T1;5,00\n`;
    const { files } = await company.import([await company.write('till.csv', text)]);
    expect(files[0]).toMatchObject({ events: 3, rejected: 1 });
    expect(files[0]?.reasons[0]).toMatch(/a quote that opens on line 5 is never closed/);
  });

  it('keeps the line numbers true where a quoted cell holds line breaks', async () => {
    const company = await tillCompany();
    const text = file('1;05/01/2026;10:30;"T\n1";5,00', '2;05/01/2026;10:30;T1;x');
    const { files } = await company.import([await company.write('till.csv', text)]);
    expect(files[0]?.reasons[0]).toMatch(/^line 4: /);
  });
});

describe('a file that cannot be taken', () => {
  const refusal = async (name: string, content: string | Uint8Array) => {
    const company = await tillCompany();
    const { files, hasFailed } = await company.import([await company.write(name, content)]);
    expect(hasFailed).toBe(true);
    expect(await company.rawKeys()).toEqual([]);
    return files[0]?.refused?.message ?? '';
  };
  const big = file(
    ...Array.from({ length: 20_000 }, (_, index) => `${index};05/01/2026;10:30;T${index % 97};5,${index % 100}`),
  );

  it('is refused whole where its gzip is cut off or damaged, with nothing taken', async () => {
    const packed = gzipSync(big);
    expect(await refusal('till.csv.gz', packed.subarray(0, packed.length - 400))).toMatch(/broken gzip/);
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 5000, 5040);
    expect(await refusal('till.csv.gz', damaged)).toMatch(/broken gzip/);
  });
  it('is refused whole where its zip is cut off', async () => {
    const packed = zipSync({ 'till.csv': strToU8(big) });
    expect(await refusal('till.zip', packed.subarray(0, packed.length / 2))).toMatch(/broken zip/);
  });
  it('is refused where it is binary, empty, or a spreadsheet', async () => {
    expect(await refusal('till.csv', Buffer.from([1, 2, 3, 0, 5, 6]))).toMatch(/binary/);
    expect(await refusal('till.csv', '')).toMatch(/empty/);
    const sheet = zipSync({ '[Content_Types].xml': strToU8('<x/>'), 'xl/workbook.xml': strToU8('<x/>') });
    expect(await refusal('till.xlsx', sheet)).toMatch(/spreadsheet/);
  });
  it('is refused where its encoding is unknown', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${header}\n1;05/01/2026;10:30;T`),
      Buffer.from([0x81, 0x8d]),
      Buffer.from(';5,00\n'),
    ]);
    expect(await refusal('till.csv', bytes)).toMatch(/encoding of till\.csv is unknown/);
  });
  it('is refused where it unpacks to more than the limit', async () => {
    const company = await tillCompany();
    const path = await company.write('till.csv.gz', gzipSync(Buffer.alloc(5_000_000, 'a')));
    const [content] = await fileContents(path, { unpackedBytes: 1_000_000 });
    const read = async () => {
      for await (const _ of content?.bytes() ?? []) {
        // only read
      }
    };
    await expect(read()).rejects.toThrow(/unpacks to more than/);
  });
  it('is refused with the way to a mapping where nobody knows it', async () => {
    expect(await refusal('other.csv', 'a,b\n1,2\n')).toMatch(/no export that Percorso knows/);
  });
  it('does not keep the other files from being taken', async () => {
    const company = await tillCompany();
    await company.write('landing/a.bin', Buffer.from([0, 1, 2, 3]));
    await company.write('landing/till-1.csv', file(...good));
    const { files, hasFailed } = await company.import(['landing']);
    expect(hasFailed).toBe(true);
    expect(files.map(({ events }) => events)).toEqual([0, 3]);
  });
  it('is wrong use where there is no such file, mapping or connector', async () => {
    const company = await tillCompany();
    await expect(company.import(['nowhere.csv'])).rejects.toMatchObject({ exitCode: 2 });
    const path = await company.write('till.csv', file(...good));
    await expect(company.import([path], { mapping: 'nomap' })).rejects.toMatchObject({ exitCode: 2 });
    await expect(company.import([path], { as: 'gogle-ads' })).rejects.toMatchObject({
      mend: 'did you mean google-ads?',
    });
  });
});

describe('the same file again', () => {
  it('changes nothing, also renamed or packed', async () => {
    const company = await tillCompany();
    await company.import([await company.write('till-1.csv', file(...good))]);
    const before = await company.rawKeys();
    const again = await company.import([
      await company.write('till-1.csv', file(...good)),
      await company.write('till-2.csv', file(...good)),
      await company.write('till-3.csv.gz', gzipSync(file(...good))),
    ]);
    expect(again.files.map(({ alreadyThere }) => alreadyThere)).toEqual([true, true, true]);
    expect(again.hasFailed).toBe(false);
    expect(await company.rawKeys()).toEqual(before);
  });

  it('keeps two equal rows two, whatever the number of imports and whatever else the files hold', async () => {
    const company = await testCompany();
    const mapping = till.replace("    event_id: 'till-{Scontrino}'\n", '');
    await company.write('mappings/till.yaml', mapping);
    const twice = [good[0] ?? '', good[0] ?? '', good[1] ?? ''];
    await company.import([await company.write('till-1.csv', file(...twice))]);
    await company.import([await company.write('till-2.csv', file(...twice, good[2] ?? ''))]);
    const ids = (await company.events()).map(({ event_id }) => event_id);
    expect(ids).toHaveLength(7);
    expect(new Set(ids).size).toBe(4);
  });

  it('at the same time doubles nothing', async () => {
    const company = await tillCompany();
    const path = await company.write('till-1.csv', file(...good));
    await Promise.all([company.import([path]), company.import([path]), company.import([path])]);
    expect(await company.rawKeys()).toHaveLength(1);
    expect(await company.events()).toHaveLength(3);
  });

  it('ends the same after a kill at any write', async () => {
    const rows = Array.from(
      { length: 300 },
      (_, index) => `${index};05/01/2026;10:30;T${index};${index % 7 === 0 ? 'x' : '5,00'}`,
    );
    const whole = await tillCompany();
    const now = () => importedAt;
    await whole.import([await whole.write('till.csv', file(...rows))], { now });
    const contents = async (lake: Store) => {
      const keys = (await lake.list('')).filter((key) => !key.startsWith(places.imports));
      return keys.map((key) => key.replace(/\d{4}-\d\d-\d\d/, 'DAY'));
    };
    const expected = await contents(whole.lake);
    expect(expected.length).toBeGreaterThan(1);
    for (let dieAt = 1; dieAt <= 5; dieAt++) {
      const company = await tillCompany();
      const path = await company.write('till.csv', file(...rows));
      let writes = 0;
      const dying: Store = {
        ...company.lake,
        putIfAbsent: async (key, body) => {
          writes += 1;
          if (writes === dieAt) throw new Error('killed');
          return company.lake.putIfAbsent(key, body);
        },
      };
      const first = importFiles({ ...company, lake: dying }, [path], { cwd: company.dir, now });
      if (dieAt <= 4) await expect(first).rejects.toThrow('killed');
      else await first;
      // What died before anything was written is begun at its own time.
      await company.import([path], dieAt === 1 ? { now } : {});
      expect(await contents(company.lake)).toEqual(expected);
      expect(await company.events()).toHaveLength(257);
    }
  });

  it('after the configuration was mended takes what was refused then', async () => {
    const company = await testCompany({ bounds: { earliest: '2026-01-06' } });
    await company.write('mappings/till.yaml', till);
    const path = await company.write('till.csv', file(...good));
    expect((await company.import([path])).files[0]).toMatchObject({ events: 2, rejected: 1 });
    expect((await company.import([path])).files[0]?.notes[0]).toMatch(/rejected then wait for/);
    const mended = {
      ...company,
      config: { ...company.config, bounds: { ...company.config.bounds, earliest: '2020-01-01' } },
    };
    const again = await importFiles(mended, [path], { cwd: company.dir });
    expect(again.files[0]).toMatchObject({ events: 3, rejected: 0 });
    expect(new Set((await company.events()).map(({ event_id }) => event_id)).size).toBe(3);
  });
});

describe('the replay of rejected rows', () => {
  const replay = async (company: Awaited<ReturnType<typeof testCompany>>) =>
    replayRejected(company.lake, await company.identifierKey(), await fileReplayers(company));

  it('takes in what the mended mapping can read, once', async () => {
    const company = await testCompany();
    const mapping = till.replace("    event_id: 'till-{Scontrino}'\n", '');
    await company.write('mappings/till.yaml', mapping);
    const rows = ['1;05/01/2026;10:30;T1;gratis', '1;05/01/2026;10:30;T1;gratis', '2;05/01/2026;10:30;T2;5,00'];
    await company.import([await company.write('till.csv', file(...rows))]);
    expect(await replay(company)).toMatchObject({ events: 0, taken: 0, refused: 2 });
    await company.write(
      'mappings/till.yaml',
      mapping.replace(
        '{ column: Totale, required: true }',
        "{ column: Totale, map: { gratis: '0,00', '5,00': '5,00' } }",
      ),
    );
    expect(await replay(company)).toMatchObject({ events: 2, taken: 2, refused: 0 });
    expect(await replay(company)).toMatchObject({ events: 0, taken: 0 });
    const events = await company.events();
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(3);
    expect(await listRejected(company.lake)).toEqual([]);
  });

  it('never reads cells by columns that are not theirs', async () => {
    const company = await tillCompany();
    const text = file(...good, 'Scontrino;Ora;Data;Tessera;Totale', '4;05/01/2026;10:30;T1;5,00', '5;1;2');
    await company.import([await company.write('till.csv', text)]);
    expect(await replay(company)).toMatchObject({ events: 0, taken: 0, refused: 3 });
    expect((await listRejected(company.lake)).map(({ reason }) => reason).sort()).toEqual(['columns-changed']);
  });

  it('puts a cost back into the set of its import', async () => {
    const company = await testCompany();
    const lines = [
      { cost_date: '2026-01-05', source: 'ads', campaign: 'A', spend: '5.00', currency: 'EUR' },
      { cost_date: '2026-01-05', source: 'ads', campaign: 'B', spend: '7.00', currency: 'USD' },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await company.import([await company.write('costs.jsonl', text)]);
    company.lists.fxRates.push({ rate_date: '2026-01-05', currency: 'USD', rate: '0.9' });
    expect(await replay(company)).toMatchObject({ costs: 1, taken: 1 });
    const costs = await company.costs();
    expect(costs).toHaveLength(2);
    expect(new Set(costs.map(({ import_id }) => import_id)).size).toBe(1);
    expect(new Set(costs.map(({ received_at }) => received_at)).size).toBe(1);
  });
});

describe('costs', () => {
  const day = (spend: string, campaign = 'A') =>
    `${JSON.stringify({ cost_date: '2026-01-05', source: 'ads', account: '7', campaign, spend, currency: 'EUR' })}\n`;

  it('of a new import are a set of their own, later than the old one', async () => {
    const company = await testCompany();
    await company.import([await company.write('a.jsonl', day('10.00')), await company.write('b.jsonl', day('12.00'))]);
    const costs = await company.costs();
    const [old, newer] = costs.sort((a, b) => (a.received_at < b.received_at ? -1 : 1));
    expect([old?.spend, newer?.spend]).toEqual(['10.00', '12.00']);
    expect(old?.import_id).not.toBe(newer?.import_id);
    expect(old && newer && old.received_at < newer.received_at).toBe(true);
  });

  it('that are less than half of what stood for the day are told aloud', async () => {
    const company = await testCompany();
    await company.import([await company.write('a.jsonl', day('10.00') + day('20.00', 'B'))]);
    const { files } = await company.import([await company.write('b.jsonl', day('14.00'))]);
    expect(files[0]?.notes).toEqual([
      'warning: the spend of ads, account 7 on 2026-01-05 was 30.00 and is now 14.00 EUR, less than half; check that the report is whole',
    ]);
    const other = await company.import([await company.write('d.jsonl', day('20.00', 'Another account'))]);
    expect(other.files[0]?.notes).toEqual([
      'warning: none of the campaigns that stood for ads on a day is in this report, which replaces them; if it is of another account, give it a source of its own (--source)',
    ]);
    await company.import([await company.write('e.jsonl', day('14.00') + day('0.00', 'Another account'))]);
    const half = await company.import([await company.write('c.jsonl', day('7.00'))]);
    expect(half.files[0]?.notes).toEqual([]);
  });
});
