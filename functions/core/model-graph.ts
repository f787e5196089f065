import { PercorsoError } from '#core/errors';
import { nearest } from '#core/nearest';

/** What one SELECT reads: found by a parser, never listed by hand. */
export interface QueryReferences {
  tables: string[];
  functions: string[];
}

/** @throws PercorsoError with file, line and column where the text is not Trino SQL. */
export type ReadQuery = (sql: string, file: string) => Promise<QueryReferences>;

export interface GraphNode {
  name: string;
  inputs: readonly string[];
  /** Where it is written, for messages. */
  file: string;
}

/**
 * Orders models so that each comes after what it reads, and soon after: the first tables are the largest, and are let go once
 * their last reader is done. Among equals by name, so the order is always the same.
 * @param given tables that are there before the first model: raw, settings, seeds.
 * @throws PercorsoError that names an unknown table with its nearest known name, or a circle with all its members.
 */
export function orderModels<Node extends GraphNode>(nodes: readonly Node[], given: ReadonlySet<string>): Node[] {
  const byName = new Map<string, Node>();
  for (const node of nodes) {
    const other = byName.get(node.name);
    if (other !== undefined || given.has(node.name)) {
      throw new PercorsoError(`two tables are called ${node.name}: ${other?.file ?? 'an input'} and ${node.file}`, {
        mend: 'rename one of them; a model is called as its file',
      });
    }
    byName.set(node.name, node);
  }
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (byName.has(input) || given.has(input)) continue;
      const near = nearest(input, [...byName.keys(), ...given]);
      throw new PercorsoError(`${node.file} reads the table ${input}, which nothing makes`, {
        mend: near === undefined ? 'add that model, or correct the name' : `did you mean ${near}?`,
      });
    }
  }
  const ordered: Node[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (node: Node, path: readonly string[]): void => {
    const seen = state.get(node.name);
    if (seen === 'done') return;
    if (seen === 'open') {
      const circle = [...path.slice(path.indexOf(node.name)), node.name];
      throw new PercorsoError(`models read each other in a circle: ${circle.join(' reads ')}`, {
        mend: 'split one of them, so that one part comes first',
      });
    }
    state.set(node.name, 'open');
    for (const input of [...node.inputs].sort()) {
      const source = byName.get(input);
      if (source !== undefined) visit(source, [...path, node.name]);
    }
    state.set(node.name, 'done');
    ordered.push(node);
  };
  for (const name of [...byName.keys()].sort()) {
    const node = byName.get(name);
    if (node !== undefined) visit(node, []);
  }
  return inOrderOfReadiness(ordered, byName);
}

/** The model whose inputs have been there for the longest comes next. */
function inOrderOfReadiness<Node extends GraphNode>(nodes: readonly Node[], byName: ReadonlyMap<string, Node>): Node[] {
  const waitsFor = new Map<Node, number>();
  const readers = new Map<Node, Node[]>();
  for (const node of nodes) {
    const sources = [...new Set(node.inputs)].flatMap((input) => byName.get(input) ?? []);
    waitsFor.set(node, sources.length);
    for (const source of sources) readers.set(source, [...(readers.get(source) ?? []), node]);
  }
  const byNames = (a: Node, b: Node) => (a.name < b.name ? -1 : 1);
  const ready = nodes.filter((node) => waitsFor.get(node) === 0).sort(byNames);
  for (const node of ready) {
    for (const reader of (readers.get(node) ?? []).sort(byNames)) {
      const left = (waitsFor.get(reader) ?? 0) - 1;
      waitsFor.set(reader, left);
      // The loop goes on over what is added to the list that it goes over.
      if (left === 0) ready.push(reader);
    }
  }
  return ready;
}

/** What `--select` means: the models to publish, and all that must be built for them. */
export interface Selection {
  /** Named by the person, with what their plus signs add. */
  chosen: Set<string>;
  /** The chosen ones and everything that they read, directly or not. */
  needed: Set<string>;
}

/**
 * Reads `MODEL` (this one), `MODEL+` (and all that is made of it), `+MODEL` (and all that it is made of); several by
 * comma or blank.
 * @throws PercorsoError where no model has that name.
 */
export function selectModels(nodes: readonly GraphNode[], selector: string): Selection {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const chosen = new Set<string>();
  for (const term of selector.split(/[\s,]+/).filter((part) => part !== '')) {
    const name = term.replace(/^\+/, '').replace(/\+$/, '');
    if (!byName.has(name)) {
      const near = nearest(name, [...byName.keys()]);
      throw new PercorsoError(`--select ${term}: no model is called ${name}`, {
        mend: near === undefined ? '`percorso build --plan` lists them all' : `did you mean ${near}?`,
      });
    }
    chosen.add(name);
    if (term.startsWith('+')) for (const source of upstream([name], byName)) chosen.add(source);
    if (term.endsWith('+')) for (const reader of downstream(name, nodes)) chosen.add(reader);
  }
  return { chosen, needed: upstream(chosen, byName) };
}

function upstream(names: Iterable<string>, byName: ReadonlyMap<string, GraphNode>): Set<string> {
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = byName.get(name);
    if (node === undefined || found.has(name)) continue;
    found.add(name);
    open.push(...node.inputs);
  }
  return found;
}

function downstream(name: string, nodes: readonly GraphNode[]): Set<string> {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const node of nodes) {
      if (found.has(node.name) || !node.inputs.includes(next)) continue;
      found.add(node.name);
      open.push(node.name);
    }
  }
  return found;
}
