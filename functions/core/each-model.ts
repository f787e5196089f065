import { PercorsoError } from '#core/errors';

/** An attribution model as the seed `attribution_models` lists it. */
export interface AttributionModel {
  model: string;
  kind: string;
}

const opening = /^\s*-- each (?:([a-z_]+) )?model \(([a-z][a-z0-9_]*)\)\s*$/;
const closing = /^\s*-- end(?:, joined by ([a-z ]+))?\s*$/;

/**
 * Repeats what a model's SQL says of one attribution model for every other, so that their list stands in one place. The
 * lines between `-- each model (linear)` and `-- end` are written for `linear`; `-- each rule model (linear)` takes those
 * of one kind, and `-- end, joined by union all` puts that between two. Written so, the file is plain SQL as it stands.
 * @throws PercorsoError with file and line where a block does not end, or begins inside another.
 */
export function forEachModel(sql: string, file: string, models: readonly AttributionModel[]): string {
  const out: string[] = [];
  let block: { line: number; kind: string | undefined; name: string; lines: string[] } | undefined;
  for (const [index, line] of sql.split('\n').entries()) {
    const opened = opening.exec(line);
    if (opened !== null) {
      if (block !== undefined) throw unended(file, block.line);
      block = { line: index + 1, kind: opened[1], name: opened[2] ?? '', lines: [] };
      continue;
    }
    const closed = closing.exec(line);
    if (block === undefined || closed === null) {
      (block?.lines ?? out).push(line);
      continue;
    }
    const { kind, name, lines } = block;
    const written = lines.join('\n');
    const repeated = models
      .filter((model) => kind === undefined || model.kind === kind)
      .map(({ model }) => written.replaceAll(name, model));
    if (repeated.length > 0) out.push(repeated.join(closed[1] === undefined ? '\n' : `\n${closed[1]}\n`));
    block = undefined;
  }
  if (block !== undefined) throw unended(file, block.line);
  return out.join('\n');
}

function unended(file: string, line: number): PercorsoError {
  return new PercorsoError(`${file}, line ${line}: this "each model" has no end`, { mend: 'add a line `-- end`' });
}
