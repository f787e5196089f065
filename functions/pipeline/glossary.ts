import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PublishedTable } from '#pipeline/table-docs';

export interface GlossaryEntry {
  place: number;
  /** A heading of docs/definitions.md, or the published table. */
  section: string;
  /** The words defined, or `table.column`; empty where a rule defines no word of its own. */
  term: string;
  text: string;
}

export const definitionsFile = fileURLToPath(new URL('../../docs/definitions.md', import.meta.url));
/** The sections whose numbers the pages show; what comes after them is of tables that no page has. */
const shownSections = 9;

/**
 * The Glossary page's entries: the rules of docs/definitions.md, and each column of the published tables as its model's
 * header describes it. The same texts as the code's, so that they cannot say two things.
 */
export async function readGlossary(tables: readonly PublishedTable[]): Promise<GlossaryEntry[]> {
  const entries = [...definitionEntries(await readFile(definitionsFile, 'utf8')), ...tableEntries(tables)];
  return entries.map((entry, index) => ({ place: index + 1, ...entry }));
}

type Entry = Omit<GlossaryEntry, 'place'>;

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
