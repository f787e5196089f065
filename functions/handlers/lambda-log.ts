/**
 * One line of a Lambda's log: an event's name and counts, ids or names of objects. Never a value that a sender gave: no
 * identifier, no address, no text of an event. Lambda's JSON format adds time, level and request.
 */
export function log(level: 'info' | 'error', event: string, fields: Record<string, string | number | boolean> = {}) {
  // biome-ignore lint/suspicious/noConsole: this is how a Lambda writes its log
  console[level]({ event, ...fields });
}

/** What of an error may stand in a log: its name and, where it is ours or the service's, its message. */
export function causeOf(error: unknown): { error: string; cause: string } {
  if (!(error instanceof Error)) return { error: 'unknown', cause: '' };
  // The text of a parser's error shows what it read.
  return { error: error.name, cause: error instanceof SyntaxError ? '' : error.message.slice(0, 500) };
}
