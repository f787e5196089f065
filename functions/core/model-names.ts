import { readFileSync } from 'node:fs';

const seed = new URL('../../sql/seeds/attribution_models.csv', import.meta.url);

/** The attribution models by name, in their order: the one list of them is the seed. */
export const modelNames: readonly string[] = readFileSync(seed, 'utf8')
  .split('\n')
  .slice(1)
  .flatMap((line) => line.split(',')[1] ?? []);
