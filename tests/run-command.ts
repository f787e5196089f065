import { main } from '#cli/main';
import type { Clock } from '#core/ports';

/** One command line, called in this process: its exit code, and what it wrote. */
export async function runCommand(
  argv: readonly string[],
  world: { cwd: string; env?: NodeJS.ProcessEnv; now?: Clock },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const code = await main([...argv], {
    cwd: world.cwd,
    env: world.env ?? {},
    now: world.now ?? (() => new Date()),
    stdout: (text) => {
      written.stdout += text;
    },
    stderr: (text) => {
      written.stderr += text;
    },
    isTerminal: false,
  });
  return { code, ...written };
}
