/**
 * Tells how often a content came before in a file: 1 for its first, 2 for the second, ... Keeps 12 bytes a content, since
 * a file may hold millions. It knows a content by the first 64 bits of its hash: should two ever agree in those, their
 * ordinals count on from each other, and their ids still differ.
 * @param hash at least 16 hex digits.
 */
export function createOrdinals(capacity = 1 << 12): (hash: string) => number {
  let size = capacity;
  let used = 0;
  let high = new Uint32Array(size);
  let low = new Uint32Array(size);
  let counts = new Uint32Array(size);

  /** The place of a content, or the free one where it belongs. */
  function place(first: number, second: number): number {
    let at = second & (size - 1);
    while (counts[at] !== 0 && (high[at] !== first || low[at] !== second)) at = (at + 1) & (size - 1);
    return at;
  }

  function grow(): void {
    const old = { high, low, counts };
    size *= 2;
    high = new Uint32Array(size);
    low = new Uint32Array(size);
    counts = new Uint32Array(size);
    for (const [index, count] of old.counts.entries()) {
      if (count === 0) continue;
      const first = old.high[index] ?? 0;
      const second = old.low[index] ?? 0;
      const at = place(first, second);
      high[at] = first;
      low[at] = second;
      counts[at] = count;
    }
  }

  return (hash) => {
    const first = Number.parseInt(hash.slice(0, 8), 16) >>> 0;
    const second = Number.parseInt(hash.slice(8, 16), 16) >>> 0;
    const at = place(first, second);
    const count = (counts[at] ?? 0) + 1;
    high[at] = first;
    low[at] = second;
    counts[at] = count;
    if (count === 1) {
      used += 1;
      if (used * 2 > size) grow();
    }
    return count;
  };
}
