// Never imported as it is: `trino-reader.ts` bundles it once, because dt-sql-parser imports folders, which Node refuses.
import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js';

interface TreeNode {
  ruleIndex?: number;
  children?: TreeNode[] | null;
  getText(): string;
}

export interface ParsedQuery {
  /** Tables that are read, in order of first mention: neither common table expressions nor columns. */
  tables: string[];
  /** Functions that are called, lower case. */
  functions: string[];
  errors: { line: number; column: number; message: string }[];
}

/** Reads one statement of Trino SQL. Columns count from 1. */
export function readQuery(sql: string): ParsedQuery {
  const parser = new TrinoSQL();
  const errors = parser
    .validate(sql)
    .map((error) => ({ line: error.startLine, column: error.startColumn, message: error.message }));
  const tables = new Set<string>();
  const functions = new Set<string>();
  if (errors.length === 0) {
    const { ruleNames } = parser.createParser(sql);
    walk(parser.parse(sql), new Set(), ruleNames, tables, functions);
  }
  return { tables: [...tables], functions: [...functions], errors };
}

function walk(
  node: TreeNode,
  scope: ReadonlySet<string>,
  rules: readonly string[],
  tables: Set<string>,
  functions: Set<string>,
): void {
  const rule = node.ruleIndex === undefined ? '' : rules[node.ruleIndex];
  const children = node.children ?? [];
  if (rule === 'tableRef') {
    const name = unquote(node.getText());
    if (!scope.has(name)) tables.add(name);
    return;
  }
  if (rule === 'functionName') functions.add(unquote(node.getText()));
  // Names of `with` hold for the common table expressions after them and for the query itself, nowhere else.
  let inner = scope;
  for (const child of children) {
    if (child.ruleIndex === undefined) continue;
    if (rule === 'query' && rules[child.ruleIndex] === 'with') {
      for (const named of child.children ?? []) {
        if (named.ruleIndex === undefined || rules[named.ruleIndex] !== 'namedQuery') continue;
        walk(named, inner, rules, tables, functions);
        inner = new Set([...inner, unquote(named.children?.[0]?.getText() ?? '')]);
      }
    } else {
      walk(child, inner, rules, tables, functions);
    }
  }
}

function unquote(name: string): string {
  return name.replaceAll('"', '').toLowerCase();
}
