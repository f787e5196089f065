import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileContents } from '#pipeline/imports/file-bytes';
import { parseMapping } from '#pipeline/imports/mapping';
import { mappingJsonSchema } from '#pipeline/imports/mapping-schema';
import { suggestMapping } from '#pipeline/imports/suggest';
import { testCompany } from './import-company.ts';

function refusal(text: string): string {
  try {
    parseMapping(text, 'till.yaml');
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return 'taken';
}

const good = `source: till
files: 'till-*.csv'
events:
  - event_type: Order Completed
    occurred_at: { column: Data, format: dd/MM/yyyy }
    identifiers: { loyalty_card: '{Tessera}' }
    value: { revenue: { column: Totale }, currency: EUR }
`;

describe('a mapping that is wrong', () => {
  it.each([
    [
      'a misspelt field',
      good.replace('event_type', 'event_typ'),
      'till.yaml, line 4, events.0.event_typ: no such field; did you mean event_type?',
    ],
    [
      'a misspelt field of a group',
      good.replace('revenue', 'revenu'),
      'till.yaml, line 7, events.0.value.revenu: no such field; did you mean revenue?',
    ],
    [
      'a misspelt detail',
      good.replace('format', 'fromat'),
      'till.yaml, line 5, events.0.occurred_at.fromat: no such field; did you mean format?',
    ],
    ['a missing field', good.replace(/ {4}occurred_at.*\n/, ''), 'till.yaml, line 4, events.0.occurred_at: is missing'],
    [
      'neither column nor value',
      good.replace('column: Totale', "default: '0'"),
      'till.yaml, line 7, events.0.value.revenue: needs either `column` or `value`',
    ],
    [
      'a wrong source',
      good.replace('source: till', 'source: The Till'),
      'till.yaml, line 1, source: a name in lower case, digits, - and _',
    ],
    [
      'a wrong choice',
      `${good}onCut: sometimes\n`,
      'till.yaml, line 8, onCut: Invalid option: expected one of "rows"|"refuse"',
    ],
    [
      'a time zone that is none',
      `${good}timeZone: Rome\n`,
      'till.yaml, line 8, timeZone: not a time zone; write an IANA name such as "Europe/Rome"',
    ],
    ['nothing to read', 'source: till\n', 'till.yaml, line 1: needs `events`, `costs` or both; or else `connector`'],
  ])('says file, line, field and mend: %s', (_, text, expected) => {
    expect(refusal(text).split('\n')).toContain(expected);
  });

  it('says the line of broken YAML', () => {
    expect(refusal('source: till\nevents: [\n')).toMatch(/^till\.yaml, line \d+, column \d+: not YAML/);
  });

  it('has one identity whatever its comments and layout', () => {
    const other = parseMapping(`# a comment\n${good.replace("'till-*.csv'", '"till-*.csv"')}`, 'other.yaml');
    expect(other.hash).toBe(parseMapping(good, 'till.yaml').hash);
  });
});

describe('the published schema of mappings', () => {
  it('is current (to write it anew: UPDATE_SCHEMA=1 npx vitest run tests/unit/mapping.test.ts)', async () => {
    const file = join(import.meta.dirname, '../../docs/mapping.schema.json');
    if (process.env.UPDATE_SCHEMA) await writeFile(file, `${JSON.stringify(mappingJsonSchema(), null, 2)}\n`);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(mappingJsonSchema());
  });
});

describe('a drafted mapping', () => {
  async function draft(name: string, text: string | Uint8Array) {
    const company = await testCompany({ bounds: { earliest: '1990-01-01' } });
    const path = await company.write(name, text);
    const suggested = await suggestMapping(path);
    return { company, path, suggested, mapping: parseMapping(suggested, 'draft.yaml').mapping };
  }

  it('of a till recognises receipt, day and time, card, amount, decimal comma and encoding', async () => {
    const text = Buffer.from(
      'Scontrino;Data;Ora;Tessera;Città;Totale\n100;05/01/2026;10:30;T1;Forlì;1.234,56\n101;26/01/2026;11:00;T2;Forlì;9,90\n',
      'latin1',
    );
    const { company, path, suggested, mapping } = await draft('till-2026-01.csv', text);
    expect(mapping.format).toMatchObject({ type: 'csv', delimiter: ';', encoding: 'windows-1252', decimal: ',' });
    expect(mapping.files).toEqual(['till-*.csv']);
    expect(mapping.events?.[0]).toMatchObject({
      event_id: '{Scontrino}',
      occurred_at: { column: '{Data} {Ora}', format: 'dd/MM/yyyy HH:mm' },
      identifiers: { loyalty_card: '{Tessera}' },
      value: { order_id: '{Scontrino}', revenue: { column: 'Totale' } },
    });
    expect(suggested).toMatch(/event_type: Order Completed # unsure/);
    // As it is it already takes every row.
    await company.write('mappings/draft.yaml', suggested);
    expect((await company.import([path])).files[0]).toMatchObject({ events: 2, rejected: 0 });
  });

  it('of contacts recognises e-mail, telephone, UTM and a channel with its values', async () => {
    const text =
      'Created at,E-mail,Phone,Lead source,utm_source,utm_medium\n2026-01-05T10:00:00Z,a@b.it,+39 333 1234567,organic_search,google,organic\n2026-01-06T10:00:00Z,c@d.it,,paid_search,google,cpc\n';
    const { mapping } = await draft('leads.csv', text);
    expect(mapping.events?.[0]).toMatchObject({
      identifiers: { email: '{E-mail}', phone: '{Phone}' },
      touch: {
        source: '{utm_source}',
        medium: '{utm_medium}',
        channel: { column: 'Lead source', map: { organic_search: 'Organic Search', paid_search: 'Paid Search' } },
      },
    });
  });

  it('says so where only a person knows whether the day or the month comes first', async () => {
    const { suggested } = await draft('a.csv', 'id,date,total\n1,05/01/2026,5.00\n2,06/02/2026,6.00\n');
    expect(suggested).toMatch(/format: 'dd\/MM\/yyyy' } # unsure: the day or the month first\?/);
  });

  it('of spend by campaign drafts costs, and asks for what the file lacks', async () => {
    const { mapping, suggested } = await draft(
      'ads.csv',
      'Campaign,Impressions,Clicks,Spent\nA,100,5,7.50\nB,50,1,2.25\n',
    );
    expect(mapping.costs?.[0]).toMatchObject({
      spend: { column: 'Spent' },
      campaign: '{Campaign}',
      clicks: '{Clicks}',
    });
    expect(suggested).toMatch(/no column holds a date/);
    expect(suggested).toMatch(/currency: EUR # unsure/);
  });

  it('never shows a value that may be personal', async () => {
    const { suggested } = await draft(
      'a.csv',
      'name,email,date,channel\nAnna Neri,anna@b.it,2026-01-05,shop\nUgo Bo,ugo@b.it,2026-01-06,web\n',
    );
    expect(suggested).not.toMatch(/anna|neri|ugo/i);
  });

  it('of a file that is not there is wrong use', async () => {
    await expect(suggestMapping('/nowhere/at-all.csv')).rejects.toMatchObject({ exitCode: 2 });
    await expect(fileContents('/nowhere/at-all.csv')).rejects.toThrow();
  });
});
