import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const percorso = fileURLToPath(new URL('../bin/percorso.js', import.meta.url));

/**
 * Runs one command line in a process of its own, and kills it where told: after so many milliseconds, or as soon as something is so.
 * @returns the exit code, null where it was killed, and what it wrote.
 */
export async function runProcess(
  argv: readonly string[],
  {
    env = {},
    killAfter,
    killWhen,
  }: { env?: NodeJS.ProcessEnv; killAfter?: number; killWhen?: () => Promise<boolean> } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [percorso, ...argv], { env: { ...process.env, ...env } });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    written.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    written.stderr += chunk.toString();
  });
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  const ended = once(child, 'exit');
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (killWhen !== undefined && !isOver) {
    if (await killWhen()) {
      child.kill('SIGKILL');
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const [code]: (number | null)[] = await ended;
  clearTimeout(timer);
  return { code: code ?? null, ...written };
}
