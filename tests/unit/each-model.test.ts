import { expect, test } from 'vitest';
import { forEachModel } from '#core/each-model';

const models = [
  { model: 'linear', kind: 'rule' },
  { model: 'even_more', kind: 'rule' },
  { model: 'markov_1', kind: 'data_driven' },
];

test('lines between the marks are repeated for every model, under its name', () => {
  const sql = ['select', '    -- each model (linear)', '    sum(a.linear) as linear,', '    -- end', '    1 as one'];
  expect(forEachModel(sql.join('\n'), 'x.sql', models).split('\n')).toEqual([
    'select',
    '    sum(a.linear) as linear,',
    '    sum(a.even_more) as even_more,',
    '    sum(a.markov_1) as markov_1,',
    '    1 as one',
  ]);
});

test('of one kind where the mark names it, and with what joins them between', () => {
  const sql = '-- each rule model (linear)\nselect linear\n-- end, joined by union all\nunion all\nselect 1';
  expect(forEachModel(sql, 'x.sql', models)).toBe('select linear\nunion all\nselect even_more\nunion all\nselect 1');
});

test('a kind without a model leaves nothing', () => {
  const sql = 'a\n-- each data_driven model (markov_1)\nmarkov_1\n-- end\nb';
  expect(forEachModel(sql, 'x.sql', [])).toBe('a\nb');
});

test.each([
  ['-- each model (linear)\nselect 1', 1],
  ['select 1\n-- each model (linear)\n-- each model (linear)\n-- end', 2],
])('a block that does not end is named by file and line', (sql, line) => {
  expect(() => forEachModel(sql, 'models/x.sql', models)).toThrow(
    `models/x.sql, line ${line}: this "each model" has no end`,
  );
});
