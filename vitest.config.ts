import { defineConfig } from 'vitest/config';

/**
 * Four projects: `unit` is quick and needs nothing; `slow` starts processes and builds whole companies; `browser` makes the site
 * and opens it; `trino` runs the models on a real Trino, for which it needs Java 24 or later.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['tests/{unit,sql,contract}/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'slow',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      { test: { name: 'trino', include: ['tests/trino/**/*.test.ts'], fileParallelism: false } },
      {
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
