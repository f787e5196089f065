import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSpoolQueue } from '#adapters/spool-queue';
import { encodeDelivery } from '#pipeline/arrivals/drain';
import { runCommand } from '../run-command.ts';

let dir: string;
let out: string;
let notes: string;

async function percorso(...argv: string[]): Promise<number> {
  const now = () => new Date('2026-01-10T12:00:00Z');
  const { code, stdout, stderr } = await runCommand(['--dir', dir, ...argv], { cwd: dir, now });
  out = stdout;
  notes = stderr;
  return code;
}

const configure = (sources: string) =>
  writeFile(join(dir, 'percorso.config.ts'), `export default { name: 'Test', sources: { ${sources} } };\n`);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-rejected-'));
  await configure('');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function refuse(original: string): Promise<void> {
  await createSpoolQueue(join(dir, '.percorso', 'spool')).send([
    encodeDelivery({
      events: [],
      rejected: [
        {
          rejected_at: '2026-01-09T12:00:00.000Z',
          source: 'shop',
          reason: 'no-rate',
          message: 'no rate \u001b[2J from GBP',
          via: 'http:segment:track',
          original: Buffer.from(original).toString('base64'),
          schema_version: 1,
        },
      ],
    }),
  ]);
}

it('says that nothing was refused, and makes no key for it', async () => {
  expect(await percorso('rejected')).toBe(0);
  expect(notes).toContain('Nothing was refused');
  expect(await readdir(dir)).toEqual(['percorso.config.ts']);
  expect(await percorso('--json', 'rejected')).toBe(0);
  expect(JSON.parse(out)).toEqual([]);
});

it('lists and shows what was refused, also what still waits in the spool, with nothing that could act on a terminal', async () => {
  await refuse('{"event":"\u001b[31mred"}');
  expect(await percorso('rejected')).toBe(0);
  expect(out).toContain('shop    no-rate        1  2026-01-09 12:00');
  expect(await percorso('rejected', 'show', '--source', 'shop')).toBe(0);
  expect(out).toContain('{"event":"\\x1b[31mred"}');
  expect(out).not.toContain('\u001b');
  expect(await percorso('rejected', 'show', '--source', 'other')).toBe(0);
  expect(out).toBe('');
});

it('replays what was refused after the mend, once', async () => {
  await refuse('{"messageId":"m1","event":"Signed Up","userId":"u","timestamp":"2026-01-09T10:00:00Z"}');
  expect(await percorso('--json', 'rejected', 'replay')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ taken: 0, refused: 1 });
  await configure('shop: {}');
  expect(await percorso('--json', 'rejected', 'replay')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ taken: 1, events: 1, refused: 0 });
  expect(await percorso('--json', 'rejected', 'replay')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ taken: 0, events: 0, refused: 0 });
  expect(await percorso('rejected')).toBe(0);
  expect(notes).toContain('Nothing was refused');
});

it('is called wrongly with an unknown subcommand', async () => {
  expect(await percorso('rejected', 'eat')).toBe(2);
});
