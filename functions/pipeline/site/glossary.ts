import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import type { PublishedTable } from '#pipeline/site/table-docs';

export interface GlossaryEntry {
  place: number;
  /** `metrics`, a heading of docs/definitions.md, or the published table. */
  section_en: string;
  section_it: string;
  /** The words defined, or `table.column`; empty where a rule defines no word of its own. */
  term_en: string;
  term_it: string;
  text_en: string;
  text_it: string;
  /** The column of a published table that holds a metric. */
  source: string | null;
}

export const definitionsFile = fileURLToPath(new URL('../../../docs/definitions.md', import.meta.url));
/** Names of metrics in both languages, and the Italian of what their columns' headers say. */
export const metricsFile = fileURLToPath(new URL('../../../dashboards/glossary.csv', import.meta.url));
/** The Italian of all other texts of the glossary, by the English that it is of. */
export const italianFile = fileURLToPath(new URL('../../../dashboards/glossary.it.csv', import.meta.url));
/** The sections whose numbers the pages show; what comes after them is of tables that no page has. */
const shownSections = 9;

/**
 * The Glossary page's entries: the metrics that the pages show, as the headers of the models that compute them describe them; the
 * rules of docs/definitions.md; and each column of the published tables. The same texts as the code's, so that they cannot say
 * two things; where an Italian text is of another wording than today's, today's stands.
 */
export async function readGlossary(tables: readonly PublishedTable[]): Promise<GlossaryEntry[]> {
  const described = new Map(
    tables.flatMap(({ name, columns }) => columns.map((column) => [`${name}.${column.name}`, column.description])),
  );
  const metrics = (await readMetrics()).flatMap((metric) => {
    const text_en = described.get(metric.column);
    if (text_en === undefined) return [];
    const text_it = metric.of === text_en ? metric.text_it : text_en;
    const { term_en, term_it, column } = metric;
    return [{ section_en: 'metrics', section_it: 'metrics', term_en, term_it, text_en, text_it, source: column }];
  });
  const italian = await readItalian();
  const inItalian = (text: string) => italian.get(text) ?? text;
  const others = [...definitionEntries(await readFile(definitionsFile, 'utf8')), ...tableEntries(tables)];
  return [
    ...metrics,
    ...others.map(({ section, term, text }) => ({
      section_en: section,
      section_it: inItalian(section),
      term_en: term,
      term_it: inItalian(term),
      text_en: text,
      text_it: inItalian(text),
      source: null,
    })),
  ].map((entry, index) => ({ place: index + 1, ...entry }));
}

const translation = z.object({ en: z.string(), it: z.string() });

/** The rows of `dashboards/glossary.it.csv`. */
export async function readItalian(): Promise<Map<string, string>> {
  const rows = z.array(translation).parse(parse(await readFile(italianFile, 'utf8'), { columns: true }));
  return new Map(rows.map(({ en, it }) => [en, it]));
}

const metricRow = z.object({
  column: z.string(),
  term_en: z.string(),
  term_it: z.string(),
  /** The header's text that the Italian is of. */
  of: z.string(),
  text_it: z.string(),
});

/** The rows of `dashboards/glossary.csv`. */
export async function readMetrics(): Promise<z.output<typeof metricRow>[]> {
  return z.array(metricRow).parse(parse(await readFile(metricsFile, 'utf8'), { columns: true }));
}

interface Entry {
  section: string;
  term: string;
  text: string;
}

/** Each bullet, paragraph and table row of the numbered sections. */
export function definitionEntries(markdown: string): Entry[] {
  const entries: Entry[] = [];
  let section = '';
  let block: string[] = [];
  const close = () => {
    const text = block.join(' ').replaceAll(/\s+/g, ' ').trim();
    block = [];
    if (text === '' || section === '') return;
    const terms = [...text.matchAll(/\*\*([^*]+)\*\*/g)].map((match) => plain(match[1] ?? '').replace(/[.:,]$/, ''));
    entries.push({ section, term: [...new Set(terms)].join(', '), text: plain(text) });
  };
  for (const line of markdown.split('\n')) {
    const heading = /^## (\d+)\. (.+)$/.exec(line);
    if (heading !== null) {
      close();
      section = Number(heading[1]) <= shownSections ? (heading[2] ?? '') : '';
    } else if (line.startsWith('|')) {
      close();
      const cells = line
        .split('|')
        .slice(1, -1)
        .map((cell) => plain(cell.trim()));
      const [term = '', ...rest] = cells;
      const isRule = cells.every((cell) => /^:?-+:?$/.test(cell));
      if (section !== '' && !isRule) entries.push({ section, term, text: rest.join(' · ') });
      else if (isRule) entries.pop(); // the row of headings above it
    } else if (line.trim() === '') close();
    else if (/^- /.test(line)) {
      close();
      block.push(line.slice(2));
    } else block.push(line.trim());
  }
  close();
  return entries;
}

function tableEntries(tables: readonly PublishedTable[]): Entry[] {
  return tables.flatMap(({ name, purpose, grain, columns }) => [
    { section: name, term: name, text: `${purpose}; ${grain}` },
    ...columns.map((column) => ({ section: name, term: `${name}.${column.name}`, text: column.description })),
  ]);
}

/** Markdown as text: no emphasis, no code marks, links as their words. */
function plain(text: string): string {
  return text
    .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replaceAll(/\*\*|`/g, '')
    .replaceAll(/(^|[\s(])[_*]([^_*]+)[_*](?=[\s.,;:)]|$)/g, '$1$2');
}
