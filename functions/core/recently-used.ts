import { LRUCache } from 'lru-cache';

/**
 * What was found out about the texts that came last. It grows as it fills: one of a fixed length takes 15 ms to make, which each
 * command would wait for.
 * @param most how many are kept.
 */
export function createRecentlyUsed<Found extends object | string>(
  most: number,
): Pick<LRUCache<string, Found>, 'get' | 'set'> {
  return new LRUCache({ maxSize: most, sizeCalculation: () => 1 });
}
