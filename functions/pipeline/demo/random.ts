/**
 * Chance by address instead of by turn: a draw is a hash of who draws, for what, when. A world in which one channel is
 * missing asks for fewer draws, yet every draw that it does ask for comes out as in the whole world.
 */
export type Stream = (purpose: string, day?: number, turn?: number) => number;

const purposeHashes = new Map<string, number>();

function hashText(text: string): number {
  const known = purposeHashes.get(text);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  purposeHashes.set(text, hash);
  return hash;
}

function mix(state: number, value: number): number {
  let hash = Math.imul(state ^ value, 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

function finish(state: number): number {
  let hash = Math.imul(state ^ (state >>> 16), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13), 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Draws in [0, 1) of one owner (a person, a campaign, the till): the same address, the same draw. */
export function stream(seed: number, owner: string, ownerNumber = 0): Stream {
  const base = mix(mix(mix(0x2545f491, seed), hashText(owner)), ownerNumber);
  return (purpose, day = 0, turn = 0) => finish(mix(mix(mix(base, hashText(purpose)), day), turn)) / 4294967296;
}

/** A standard normal draw (Box and Muller). */
export function normal(draw: Stream, purpose: string, day = 0): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw(purpose, day, 9001)));
  return radius * Math.cos(2 * Math.PI * draw(purpose, day, 9002));
}

export function pick<T>(list: readonly [T, ...T[]], chance: number): T {
  return list[Math.floor(chance * list.length)] ?? list[0];
}

/** Takes one of several by weight. */
export function pickWeighted<T>(list: readonly [readonly [T, number], ...(readonly [T, number])[]], chance: number): T {
  const total = list.reduce((sum, [, weight]) => sum + weight, 0);
  let rest = chance * total;
  for (const [value, weight] of list) {
    rest -= weight;
    if (rest < 0) return value;
  }
  return list[0][0];
}

/** A whole number from `low` to `high`, both included. */
export function between(low: number, high: number, chance: number): number {
  return low + Math.floor(chance * (high - low + 1));
}

function hex(draw: Stream, purpose: string, day: number, turn: number): string {
  return Math.floor(draw(purpose, day, turn) * 4294967296)
    .toString(16)
    .padStart(8, '0');
}

/** A version 4 UUID made of draws. */
export function uuid(draw: Stream, purpose: string, day = 0, turn = 0): string {
  const text = [0, 1, 2, 3].map((part) => hex(draw, purpose, day, turn * 4 + part)).join('');
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20, 32)}`;
}
