import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import type { LoadCompany } from './bucket-company.ts';
import type { CliContext } from './context.ts';
import type { CompanyWithEngine } from './lake-engine.ts';
import { createProgress, formatError } from './output.ts';

/** One file of this folder each, which exports `register`. In the order of the help. */
const commands = [
  'init',
  'demo',
  'import',
  'imports',
  'collect',
  'build',
  'query',
  'export',
  'rejected',
  'dashboards',
  'explain',
  'erase',
  'unlink',
  'rotate-key',
  'nightly',
  'doctor',
  'cost',
] as const;

const globals = z.object({
  dir: z.string().optional(),
  json: z.boolean().default(false),
  debug: z.boolean().default(false),
  set: z.array(z.string()).default([]),
  on: z.string().optional(),
});

export type World = Pick<CliContext, 'cwd' | 'env' | 'now' | 'stdout' | 'stderr' | 'isTerminal'>;

const realWorld = (): World => {
  // A reader such as `head` may close the pipe before the end.
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return worldOfProcess();
};

const worldOfProcess = (): World => ({
  cwd: process.cwd(),
  env: process.env,
  now: () => new Date(),
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
});

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 the work failed and nothing was published, 2 wrong use.
 */
export async function main(argv: readonly string[], world: World = realWorld()): Promise<number> {
  let exitCode: number = 0;
  let company: Promise<CompanyWithEngine> | undefined;
  const program = new Command('percorso')
    .description("Analytics of the customer's whole life, from raw events to return per channel.")
    .version(await version())
    .option('--dir <folder>', 'the folder of the company; the current one by default')
    .option('--set <setting=value>', 'another value of one setting for this command; may be repeated', append, [])
    .option('--on <place>', 'the lake of a deployment instead of this machine: aws, aws:STAGE or trino')
    .option('--json', 'one JSON document for machines on stdout')
    .option('--debug', 'stack traces of errors')
    .exitOverride()
    .configureOutput({ writeOut: world.stdout, writeErr: world.stderr })
    .showHelpAfterError('(percorso --help shows what there is)');

  const options = () => globals.parse(program.opts());
  const context: CliContext = {
    ...world,
    get json() {
      return options().json;
    },
    company: () => {
      company ??= openCompany(world, options(), program.args[0] ?? '');
      return company;
    },
    progress: (label) => createProgress(label, world.stderr, world.isTerminal, world.now),
    exitWith: (code) => {
      exitCode = code;
    },
  };

  try {
    await registerCommands(program, context, argv);
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    world.stderr(formatError(error, argv.includes('--debug')));
    return error instanceof PercorsoError ? error.exitCode : 1;
  }
}

function append(value: string, values: string[]): string[] {
  return [...values, value];
}

async function version(): Promise<string> {
  const file = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(file)).version;
}

/** Only the file of the command that is called is loaded; the help loads them all. */
async function registerCommands(program: Command, context: CliContext, argv: readonly string[]): Promise<void> {
  const called = commands.filter((command) => argv.includes(command));
  for (const command of called.length > 0 && argv[0] !== 'help' ? called : commands) {
    const file = new URL(`./${command}.ts`, import.meta.url);
    if (!existsSync(file)) continue;
    const module: { register(program: Command, context: CliContext): void } = await import(file.href);
    module.register(program, context);
  }
}

async function openCompany(
  world: World,
  options: z.output<typeof globals>,
  command: string,
): Promise<CompanyWithEngine> {
  const [{ loadCompany }, { createFolderStore }] = await Promise.all([
    import('#pipeline/company/company'),
    import('#adapters/folder-store'),
  ]);
  const here = {
    dir: resolve(world.cwd, options.dir ?? '.'),
    env: world.env,
    set: options.set,
    openStore: createFolderStore,
  };
  if (options.on === undefined) return loadCompany(here);
  const load: LoadCompany = (more) => loadCompany({ ...here, ...more });
  if (options.on === 'trino') {
    const { openOnTrino } = await import('./on-trino.ts');
    return openOnTrino(command, world.env, load);
  }
  const { openOnAws } = await import('./on-aws.ts');
  return openOnAws(options.on, command, world.env, load);
}
