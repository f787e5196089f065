import { expect, test } from 'vitest';
import { parseCheckHeader, parseModelHeader } from '#core/model-header';

const good = `-- purpose: what each channel returned,
--   in margin
-- grain: one row per channel
-- key: channel, period
-- kept: table
-- published: yes
-- partition: day month
-- Prose that explains: it may stand anywhere.
-- columns:
--   channel: the channel
--   period: the period,
--     as a text
select 1`;

test('a header gives purpose, grain, key, partition and each column', () => {
  expect(parseModelHeader(good, 'm.sql')).toEqual({
    purpose: 'what each channel returned, in margin',
    grain: 'one row per channel',
    key: ['channel', 'period'],
    kept: 'table',
    isView: false,
    joinsAsWritten: false,
    reads: [],
    published: true,
    partition: { column: 'day', by: 'month' },
    columns: [
      { name: 'channel', description: 'the channel' },
      { name: 'period', description: 'the period, as a text' },
    ],
  });
});

test.each([
  ['kept: table', 'kept: somewhere', 'm.sql, line 5: kept is "somewhere"'],
  ['grain: one row per channel', 'gran: one row', 'm.sql, line 3: a header has no field "gran"'],
  ['key: channel, period', 'key:', 'm.sql, line 4: the header names no key'],
  ['partition: day month', 'partition: day week', 'm.sql, line 7: partition is "day week"'],
  ['  channel: the channel', '  Channel', 'm.sql, line 10: this line describes no column'],
])('where "%s" is "%s" the error names file and line', (right, wrong, message) => {
  expect(() => parseModelHeader(good.replace(right, wrong), 'm.sql')).toThrow(message);
});

test('a published model without columns is refused', () => {
  const text = good.slice(0, good.indexOf('-- columns')).concat('select 1');
  expect(() => parseModelHeader(text, 'm.sql')).toThrow('describes no columns');
});

test('a check says its severity and its model', () => {
  const header = parseCheckHeader(
    '-- purpose: no order is lost\n-- severity: warn\n-- model: orders\nselect 1',
    'c.sql',
  );
  expect(header).toEqual({ purpose: 'no order is lost', severity: 'warn', model: 'orders' });
});
