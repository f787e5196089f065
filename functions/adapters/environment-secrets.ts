import type { Secrets } from '#core/ports';

/** Secrets that stand in the environment, as on one machine. */
export function createEnvironmentSecrets(env: Readonly<Record<string, string | undefined>>): Secrets {
  return {
    async read() {
      const found: Record<string, string> = {};
      for (const [name, value] of Object.entries(env)) if (value !== undefined) found[name] = value;
      return found;
    },
  };
}
