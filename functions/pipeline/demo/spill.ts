import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lines that arrive person by person and are needed file by file, in time order. What does not fit into memory waits on
 * disk, so the size of a company is not bound by memory; only one file's lines are held at once when they are read.
 */
export interface Spill {
  /** @param order what the file's lines are sorted by: an instant, mostly. */
  add(file: string, order: number, line: string): void;
  files(): string[];
  /** The file's lines in order. Equal orders are sorted by the line itself. */
  lines(file: string): string[];
  close(): void;
}

const heldCharacters = 40 * 1024 * 1024;

export function createSpill(folder: string, held = heldCharacters): Spill {
  const buffers = new Map<string, string[]>();
  const known = new Set<string>();
  let size = 0;
  const path = (file: string) => join(folder, `${file}.part`);
  const writeOut = () => {
    mkdirSync(folder, { recursive: true });
    for (const [file, rows] of buffers) appendFileSync(path(file), `${rows.join('\n')}\n`);
    buffers.clear();
    size = 0;
  };
  return {
    add(file, order, line) {
      known.add(file);
      const row = `${String(order).padStart(15, '0')}\t${JSON.stringify(line)}`;
      const rows = buffers.get(file);
      if (rows === undefined) buffers.set(file, [row]);
      else rows.push(row);
      size += row.length;
      if (size > held) writeOut();
    },
    files: () => [...known].sort(),
    lines(file) {
      const waiting = existsSync(path(file)) ? readFileSync(path(file), 'utf8').split('\n').slice(0, -1) : [];
      return [...waiting, ...(buffers.get(file) ?? [])].sort().map((row) => {
        const line: unknown = JSON.parse(row.slice(16));
        return typeof line === 'string' ? line : '';
      });
    },
    close() {
      buffers.clear();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
