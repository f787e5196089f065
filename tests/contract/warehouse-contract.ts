import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Warehouse } from '#core/ports';

/** Where a warehouse reads files and writes them. */
export interface WarehousePlace {
  /** Puts a file there. @returns its address. */
  put(name: string, body: Uint8Array | string): Promise<string>;
  /** An address to unload to: nothing is there yet. */
  at(name: string): string;
  /** A file that was unloaded to that address. */
  written(name: string): Promise<string>;
}

/** What every Warehouse keeps to. */
export function warehouseContract(
  name: string,
  open: () => Promise<{ warehouse: Warehouse; place: WarehousePlace; discard(): Promise<void> }>,
): void {
  describe(name, () => {
    let warehouse: Warehouse;
    let place: WarehousePlace;
    let discard: () => Promise<void>;
    beforeAll(async () => {
      ({ warehouse, place, discard } = await open());
    });
    afterAll(async () => {
      await warehouse?.close();
      await discard?.();
    });

    test('gives money and 64-bit integers as text, instants as ISO in UTC', async () => {
      const rows = await warehouse.query(
        "select cast('9007199254740993' as bigint) as n, cast('1234567890123456.10' as decimal(18,2)) as m, timestamp '2026-01-05 10:00:00' as t, with_timezone(timestamp '2026-01-05 09:00:00.123456', 'UTC') as z, 0.5e0 as d, true as b, cast(null as varchar) as x, date '2026-01-05' as day",
      );
      expect(rows).toEqual([
        {
          n: '9007199254740993',
          m: '1234567890123456.10',
          t: '2026-01-05T10:00:00.000Z',
          z: '2026-01-05T09:00:00.123456Z',
          d: 0.5,
          b: true,
          x: null,
          day: '2026-01-05',
        },
      ]);
    });

    test('names types of our subset', async () => {
      await warehouse.createTable(
        'typed',
        "select 'a' as a, cast(1 as bigint) as b, 1e0 as c, true as d, date '2026-01-01' as e, with_timezone(timestamp '2026-01-01 00:00:00', 'UTC') as f, cast(1 as decimal(18,6)) as g",
      );
      expect((await warehouse.columns('typed')).map((column) => column.type)).toEqual([
        'varchar',
        'bigint',
        'double',
        'boolean',
        'date',
        'timestamptz',
        'decimal(18,6)',
      ]);
    });

    test('keeps an instant as one, in a table and in a view of it', async () => {
      await warehouse.createTable('instants', "select with_timezone(timestamp '2026-01-05 23:30:00.250', 'UTC') as z");
      await warehouse.createView('viewed', 'select z, 1 as n from instants');
      const day = "cast(z at time zone 'Europe/Rome' as date) as day";
      for (const table of ['instants', 'viewed']) {
        expect(await warehouse.query(`select z, ${day} from ${table}`)).toEqual([
          { z: '2026-01-05T23:30:00.250Z', day: '2026-01-06' },
        ]);
      }
    });

    test('tells how many rows a table has that it makes, or nothing', async () => {
      const rows = await warehouse.createTable('counted', 'select n from unnest(sequence(1, 3000)) as given (n)');
      expect([3000, undefined]).toContain(rows);
      expect([0, undefined]).toContain(await warehouse.createTable('counted', 'select 1 as n where false'));
    });

    test('hands columns over in both directions, with null as NaN', async () => {
      const rows = 5000;
      const numbers = Float64Array.from({ length: rows }, (_, row) => (row === 7 ? Number.NaN : row / 3));
      await warehouse.createTableFromColumns('columned', [
        { name: 'text', type: 'varchar', values: Array.from({ length: rows }, (_, row) => `it's "${row}"`) },
        { name: 'day', type: 'date', values: new Array<string>(rows).fill('2024-02-29') },
        { name: 'bits', type: 'bigint', values: new BigInt64Array(rows).fill(2n ** 59n + 1n) },
        { name: 'whole', type: 'bigint', values: Float64Array.from({ length: rows }, (_, row) => row) },
        { name: 'number', type: 'double', values: numbers },
      ]);
      expect(await warehouse.query('select * from columned where whole in (7, 4999) order by whole')).toEqual([
        { text: 'it\'s "7"', day: '2024-02-29', bits: '576460752303423489', whole: '7', number: null },
        { text: 'it\'s "4999"', day: '2024-02-29', bits: '576460752303423489', whole: '4999', number: 4999 / 3 },
      ]);
      const read = await warehouse.queryNumbers('select whole, number from columned order by whole', [
        'number',
        'whole',
      ]);
      expect(read.number).toEqual(numbers);
      expect(read.whole[4999]).toBe(4999);
      await warehouse.createTableFromColumns('columned', [{ name: 'n', type: 'double', values: new Float64Array() }]);
      expect(await warehouse.queryNumbers('select n from columned', ['n'])).toEqual({ n: new Float64Array() });
      expect((await warehouse.columns('columned')).map(({ name, type }) => [name, type])).toEqual([['n', 'double']]);
    });

    test('hands rows over as data, whatever they hold', async () => {
      const columns = {
        name: 'varchar',
        day: 'date',
        amount: 'decimal(18,2)',
        is_on: 'boolean',
        n: 'bigint',
        r: 'double',
      };
      const rows = [
        { name: 'it\'s "x"; drop table y -- 😀\n$1', day: '2026-01-05', amount: '-0.10', is_on: false, n: '7', r: 0.1 },
        { name: '', day: null, amount: null, is_on: null, n: null, r: null },
      ];
      await warehouse.createTableFromRows('handed', columns, rows);
      const back = await warehouse.query('select * from handed order by name desc');
      expect(back).toEqual(rows);
      await warehouse.createTableFromRows('handed', columns, []);
      expect(await warehouse.query('select * from handed')).toEqual([]);
      expect((await warehouse.columns('handed')).map((column) => column.type)).toEqual(Object.values(columns));
    });

    test('reads JSON Lines, gzipped or not, with named columns and the origin of each row', async () => {
      const one = await place.put(
        "o'ne.jsonl.gz",
        gzipSync('{"id":"1","keys":{"email":"e:1"},"more":[1]}\n{"id":"2"}\n'),
      );
      const two = await place.put('two.jsonl', '{"id":"3","keys":{"phone":"p:1"}}\n');
      await warehouse.createTableFromJsonLines(
        'lines',
        { id: 'varchar', keys: 'struct(email varchar, phone varchar)' },
        [one, two],
        { column: 'raw_object', skip: two.length - 'two.jsonl'.length },
      );
      expect(await warehouse.query('select id, keys.email as email, raw_object from lines order by id')).toEqual([
        { id: '1', email: 'e:1', raw_object: "o'ne.jsonl.gz" },
        { id: '2', email: null, raw_object: "o'ne.jsonl.gz" },
        { id: '3', email: null, raw_object: 'two.jsonl' },
      ]);
    });

    test('has the origin of rows as a text, in what is made of them too', async () => {
      const read = async (...names: string[]) => {
        const locations = await Promise.all(names.map((name) => place.put(name, `{"id":"${name}"}\n`)));
        const skip = (locations[0]?.length ?? 0) - (names[0]?.length ?? 0);
        await warehouse.createTableFromJsonLines('lines', { id: 'varchar' }, locations, { column: 'raw_object', skip });
      };
      await read('b.jsonl', 'c.jsonl', 'a.jsonl');
      await warehouse.createTable('made', 'select * from lines');
      expect(await warehouse.columns('made')).toEqual([
        { name: 'id', type: 'varchar' },
        { name: 'raw_object', type: 'varchar' },
      ]);
      expect(
        await warehouse.query(
          "select min(raw_object) as first, max(raw_object) as last, max(length(raw_object || '.gz')) as letters from made",
        ),
      ).toEqual([{ first: 'a.jsonl', last: 'c.jsonl', letters: '10' }]);
      await read('d.jsonl');
      expect(
        await warehouse.query('select raw_object from made union all select raw_object from lines order by 1'),
      ).toEqual(['a.jsonl', 'b.jsonl', 'c.jsonl', 'd.jsonl'].map((raw_object) => ({ raw_object })));
    });

    test('makes an empty table of no files', async () => {
      await warehouse.createTableFromJsonLines('none', { id: 'varchar' }, [], { column: 'raw_object', skip: 0 });
      expect((await warehouse.columns('none')).map((column) => column.name)).toEqual(['id', 'raw_object']);
    });

    test('unloads a select and says how many rows', async () => {
      const select =
        "select cast(1 as bigint) as n, with_timezone(timestamp '2026-01-05 09:00:00.250', 'UTC') as z union all select 2, null";
      expect(await warehouse.unload(select, place.at('out'))).toBe(2);
      const columns = { n: 'bigint', z: 'timestamptz' };
      await warehouse.createTableFromParquet('back', columns, [await place.written('out')], 'n < 2');
      expect(await warehouse.query('select * from back')).toEqual([{ n: '1', z: '2026-01-05T09:00:00.250Z' }]);
      expect(await warehouse.unload('select 1 as n limit 0', place.at('none'))).toBe(0);
    });

    test('drops a table, also one that is not there', async () => {
      await warehouse.createTable('gone', 'select 1 as one');
      await warehouse.dropTable('gone');
      await warehouse.dropTable('gone');
      await expect(warehouse.query('select * from gone')).rejects.toThrow('gone');
    });
  });
}
