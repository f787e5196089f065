import { PercorsoError } from '#core/errors';
import type { Progress } from './context.ts';

type Write = (text: string) => void;

const clearLine = '\r\u001b[2K';
const redrawEveryMs = 100;
const lineEveryMs = 15_000;

/**
 * Makes the progress of one piece of work.
 * @param isTerminal on a terminal the line is redrawn at most ten times a second; elsewhere a plain line is written every
 *   fifteen seconds, and one at the end.
 */
export function createProgress(
  label: string,
  write: Write,
  isTerminal: boolean,
  now: () => Date = () => new Date(),
): Progress {
  const startedAt = now().getTime();
  let drawnAt = isTerminal ? 0 : startedAt;
  const seconds = () => `${((now().getTime() - startedAt) / 1000).toFixed(1)} s`;
  if (isTerminal) write(`${clearLine}${label} ...`);
  return {
    update(detail) {
      if (now().getTime() - drawnAt < (isTerminal ? redrawEveryMs : lineEveryMs)) return;
      drawnAt = now().getTime();
      write(isTerminal ? `${clearLine}${label}: ${oneLine(detail)}` : `${label}: ${oneLine(detail)}\n`);
    },
    done(detail) {
      const end = detail === undefined ? `${label} (${seconds()})` : `${label}: ${oneLine(detail)} (${seconds()})`;
      write(`${isTerminal ? clearLine : ''}${end}\n`);
    },
  };
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 160 ? `${line.slice(0, 157)}...` : line;
}

/**
 * An error as a person reads it: what happened and where, then the mend. A stack trace only with `debug`, or where the
 * error is none that we know (then the mend says how to get the trace).
 */
export function formatError(error: unknown, debug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`error: ${message}`];
  if (error instanceof PercorsoError) {
    if (error.mend !== undefined) lines.push(`  mend: ${error.mend}`);
  } else {
    lines.push('  mend: this is not an error that Percorso knows; --debug shows where it came from');
  }
  if (debug && error instanceof Error) {
    lines.push(error.stack ?? '');
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
      lines.push(`caused by: ${cause.stack ?? cause.message}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Pads cells to columns for reading on a terminal; numbers to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, index) => Math.max(name.length, ...rows.map((row) => (row[index] ?? '').length)));
  const isNumber = header.map((_, index) =>
    rows.every((row) => /^(-?\d+(\.\d+)?)?$/.test(row[index] ?? '') || row[index] === '-'),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => (isNumber[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')}\n`;
}
