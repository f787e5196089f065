import { describe, expect, test } from 'vitest';
import { createQueryReader } from '#adapters/trino-reader';
import { readCatalogue } from '#pipeline/builds/catalogue';
import { definitionEntries, readGlossary, readItalian, readMetrics } from '#pipeline/site/glossary';
import { describeTables } from '#pipeline/site/table-docs';

const tables = describeTables(await readCatalogue(await createQueryReader()));

describe('the glossary', () => {
  test('describes each metric in the words of the model that computes it, and its Italian is of these words', async () => {
    const described = new Map(
      tables.flatMap(({ name, columns }) => columns.map((column) => [`${name}.${column.name}`, column.description])),
    );
    for (const { column, of } of await readMetrics()) {
      // Where this fails, a header has changed: renew `of` and the Italian text in dashboards/glossary.csv.
      expect(of, column).toBe(described.get(column));
    }
  });

  test('has every word and every text in both languages', async () => {
    const italian = await readItalian();
    const entries = (await readGlossary(tables)).filter(({ section_en }) => section_en !== 'metrics');
    const names = new Set(
      tables.flatMap(({ name, columns }) => [name, ...columns.map((column) => `${name}.${column.name}`)]),
    );
    const texts = new Set(
      entries
        .flatMap(({ section_en, term_en, text_en }) => [section_en, term_en, text_en])
        .filter((text) => text !== ''),
    );
    // Where this fails, a text has changed: renew its English and its Italian in dashboards/glossary.it.csv.
    expect([...texts].filter((text) => !names.has(text) && !italian.has(text))).toEqual([]);
    expect([...italian.keys()].filter((text) => !texts.has(text))).toEqual([]);
  });

  test('says the same of the same names in Italian', async () => {
    const namesIn = (text: string) => [
      ...new Set(text.match(/[a-z]+(?:_[a-z0-9]+)+/g)?.map((name) => name.replace(/s$/, ''))),
    ];
    for (const [english, text] of await readItalian()) {
      expect(text, english).not.toBe('');
      expect(namesIn(text).sort(), english).toEqual(namesIn(english).sort());
      // What is more than names, numbers and formulas is not left in English.
      if (/\b(the|of|which|whose|and|where)\b/.test(english)) expect(text).not.toMatch(/\b(the|which|whose|where)\b/);
    }
  });

  test('holds every published column once', async () => {
    const entries = await readGlossary(tables);
    const terms = entries.map((entry) => entry.term_en);
    for (const { name, columns } of tables)
      for (const column of columns) expect(terms.filter((term) => term === `${name}.${column.name}`)).toHaveLength(1);
    expect(new Set(entries.map((entry) => entry.place)).size).toBe(entries.length);
  });

  test('says an old translation in English, rather than something that is no longer so', async () => {
    const [table] = tables.filter(({ name }) => name === 'channel_roi');
    if (table === undefined) throw new Error('no channel_roi');
    const changed = { ...table, columns: [{ name: 'roas', description: 'revenue for each euro of spend' }] };
    const entry = (await readGlossary([changed])).find(({ source }) => source === 'channel_roi.roas');
    expect(entry).toMatchObject({
      text_en: 'revenue for each euro of spend',
      text_it: 'revenue for each euro of spend',
    });
  });

  test('reads rules from markdown: bullets, paragraphs and rows of tables, without its signs', () => {
    expect(
      definitionEntries(
        '# Title\n\nbefore\n\n## 1. Money\n\n- **Revenue** is net\n  of [VAT](x.md); **margin** less.\n\nA paragraph.\n\n| model | weight |\n| --- | --- |\n| `linear` | 1/n |\n\n## 12. Later\n\n- not shown\n',
      ),
    ).toEqual([
      { section: 'Money', term: 'Revenue, margin', text: 'Revenue is net of VAT; margin less.' },
      { section: 'Money', term: '', text: 'A paragraph.' },
      { section: 'Money', term: 'linear', text: '1/n' },
    ]);
  });
});
