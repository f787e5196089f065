/** One top-level value of a JSON text, and the line on which it begins. */
export interface JsonPiece {
  line: number;
  text: string;
  /** The text ended within the value. */
  isCut: boolean;
}

/** A value longer than this is no record. */
const longestValue = 64 * 2 ** 20;

/**
 * Cuts a JSON text into the elements of its outer array, or into the values that follow each other, without holding the
 * whole. It only finds where values begin and end; `JSON.parse` judges them.
 */
export async function* jsonPieces(text: AsyncIterable<string>): AsyncGenerator<JsonPiece[]> {
  let line = 1;
  let startLine = 1;
  let value = '';
  let depth = 0;
  let inText = false;
  let isEscaped = false;
  let isFirst = true;
  let base = 0;
  for await (const chunk of text) {
    const pieces: JsonPiece[] = [];
    let from = value === '' ? -1 : 0;
    const end = (at: number) => {
      const found = value + (from < 0 ? '' : chunk.slice(from, at));
      if (found.trim() !== '') pieces.push({ line: startLine, text: found, isCut: false });
      value = '';
      from = -1;
    };
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      if (code === 10) line++;
      if (inText) {
        if (isEscaped) isEscaped = false;
        else if (code === 92) isEscaped = true;
        else if (code === 34) inText = false;
        continue;
      }
      const isBlank = code <= 32 || code === 0xfeff;
      if (isFirst && !isBlank) {
        isFirst = false;
        if (code === 91) {
          base = 1;
          depth = 1;
          continue;
        }
      }
      if (depth === base && (isBlank || code === 44)) {
        if (from >= 0 || value !== '') end(at);
        continue;
      }
      if (depth === base && base === 1 && code === 93) {
        end(at);
        continue;
      }
      if (from < 0 && value === '') {
        from = at;
        startLine = line;
      }
      if (code === 34) inText = true;
      else if (code === 123 || code === 91) depth++;
      else if (code === 125 || code === 93) {
        depth--;
        if (depth <= base) {
          depth = base;
          end(at + 1);
        }
      }
    }
    if (from >= 0) value += chunk.slice(from);
    if (value.length > longestValue) throw new RangeError(`the value that begins on line ${startLine} has no end`);
    if (pieces.length > 0) yield pieces;
  }
  if (value.trim() !== '') yield [{ line: startLine, text: value, isCut: depth > base || inText }];
}
