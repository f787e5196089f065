import { defineConfig } from 'vitest/config';

const processes = ['collect-crash', 'door-abuse'].map((name) => `tests/e2e/${name}.test.ts`);

/**
 * Six projects: `unit` is quick and needs nothing; `slow` builds whole companies; `process` opens doors, kills them and measures what they
 * bear, after all others; `browser` makes the site and opens it; `trino` runs the models on a real Trino, for which it needs Java 24 or later; `cloud` checks what would be deployed to AWS, and
 * runs it on servers that speak AWS's protocols, for which it needs Python too.
 */
export default defineConfig({
  test: {
    // One core is otherwise left idle for whoever watches.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/{unit,sql,contract}/**/*.test.ts'],
          testTimeout: 30_000,
          // Files share a process: to load the engine and all modules anew took as long as what many of them test. So none may
          // change what the process has but one of (environment, folder, globals), and none leaves a timer or a server behind.
          isolate: false,
        },
      },
      {
        test: {
          name: 'slow',
          include: ['tests/e2e/**/*.test.ts'],
          exclude: processes,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'process',
          include: processes,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // After all others, so that no build takes the machine from them. Beside each other: one waits for the most part, and
          // memory is measured by process.
          sequence: { groupOrder: 1 },
        },
      },
      { test: { name: 'trino', include: ['tests/trino/**/*.test.ts'], fileParallelism: false } },
      {
        test: {
          name: 'cloud',
          include: ['infra/tests/**/*.test.ts', 'tests/cloud/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
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
