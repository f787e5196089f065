import type { ServerType } from '@hono/node-server';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { PercorsoError, UsageError } from '#core/errors';
import type { WrittenCounts } from '#pipeline/arrivals/store';
import type { CliContext } from './context.ts';

const optionsShape = z.object({
  port: z.coerce.number('a port is a number').int('a port is a whole number').min(0).max(65_535, 'ports end at 65535'),
  host: z.string().min(1, 'an address is needed'),
  every: z.coerce.number('seconds are a number').positive('more than no seconds').max(86_400, 'a day at most'),
});

/** How long a sender may take, so that slow ones hold no connection for ever: for its headers, and for all of a request. */
const patience = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 1_000 };

/** `percorso collect`: the HTTP door, with its spool drained into the lake as it runs. */
export function register(program: Command, context: CliContext): void {
  program
    .command('collect')
    .description('the HTTP door: takes what the SDKs of Segment, RudderStack and Snowplow send')
    .option('--port <number>', 'the port; 0 takes a free one', '4390')
    .option('--host <address>', 'the address to listen on; 0.0.0.0 opens it to the network', '127.0.0.1')
    .addOption(new Option('--every <seconds>', 'how often the spool is moved into the lake').default('30'))
    .action(async (given: unknown) => {
      const parsed = optionsShape.safeParse(given);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        throw new UsageError(`--${String(issue?.path[0] ?? 'port')}: ${issue?.message}`, {
          mend: 'write for example `percorso collect --port 4390`',
        });
      }
      await collect(context, parsed.data);
    });
}

async function collect(context: CliContext, options: z.output<typeof optionsShape>): Promise<void> {
  const company = await context.company();
  const [
    { createCollector, readWriteKeys },
    { createHookReceiver, readHookSecrets },
    { drainSpool },
    { createCollectApp },
    { createSpoolQueue },
    { createEnvironmentSecrets },
    { createRateCheck },
    { serve },
  ] = await Promise.all([
    import('#pipeline/arrivals/collect'),
    import('#pipeline/arrivals/hooks'),
    import('#pipeline/arrivals/drain'),
    import('#handlers/collect'),
    import('#adapters/spool-queue'),
    import('#adapters/environment-secrets'),
    import('#core/fx-rates'),
    import('@hono/node-server'),
  ]);
  const { config } = company;
  const env = await createEnvironmentSecrets(company.env).read();
  const { keys, missing } = readWriteKeys(config, env);
  for (const { source, variable } of missing) {
    context.stderr(`source "${source}" can send nothing: ${variable} is not set. Set it to the source's write key.\n`);
  }
  const hookSecrets = readHookSecrets(config, env);
  for (const { source, variable } of hookSecrets.missing) {
    context.stderr(
      `no web hook can send for "${source}": ${variable} is not set. Set it to the secret that signs them.\n`,
    );
  }
  const heard = [...new Set([...keys.map(({ source }) => source), ...hookSecrets.secrets.keys()])];
  const isOpenToTrackers = Object.values(config.sources).some(
    ({ kind, writeKeyEnv }) => kind === 'browser' && writeKeyEnv === undefined,
  );
  if (keys.length === 0 && missing.length === 0 && hookSecrets.secrets.size === 0 && !isOpenToTrackers) {
    context.stderr(
      `no source of ${company.configPath} has a write key, so every sender gets 401.\n` +
        "mend: name a variable in the configuration, sources: { shop: { writeKeyEnv: 'PERCORSO_KEY_SHOP' } }, and set it to a long random text\n",
    );
  }

  const queue = createSpoolQueue(company.paths.spool);
  const door = {
    config,
    identifierKey: await company.identifierKey(),
    sealAddress: await company.sealAddress(),
    env,
    queue,
    hasRate: createRateCheck(config.currency, company.lists.fxRates),
    now: context.now,
  };
  const collector = createCollector(door);

  // One drain at a time: two at once would write the same events into two objects.
  let draining: Promise<unknown> = Promise.resolve();
  /** Resolves to what kept the spool from the lake; undefined where nothing waits in it any more. */
  function drain(): Promise<string | undefined> {
    const turn = draining.then(async () => {
      try {
        const counts = await drainSpool(company, queue, context.now);
        if (counts.events + counts.costs + counts.rejected > 0) context.stderr(`${summary(counts)}\n`);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    });
    draining = turn;
    return turn;
  }
  async function drainOrTell(): Promise<void> {
    const cause = await drain();
    if (cause === undefined) return;
    context.stderr(`the spool could not be moved into the lake: ${cause}. It is tried again.\n`);
  }

  await drainOrTell();
  const app = createCollectApp(collector, createHookReceiver(door));
  let stopped: Promise<void> | undefined;
  const server = await new Promise<ServerType>((resolve, reject) => {
    const { port, host: hostname } = options;
    const listening = serve({ fetch: app.fetch, port, hostname, serverOptions: patience }, (info) => {
      const name = info.family === 'IPv6' ? `[${info.address}]` : info.address;
      const address = `http://${name}:${info.port}`;
      // Whoever reads the address may stop the door at once.
      stopped = untilStopped();
      if (context.json) context.stdout(`${JSON.stringify({ address, port: info.port, sources: heard })}\n`);
      else context.stdout(`collecting on ${address} for ${heard.join(', ') || 'no source'}\n`);
      listening.off('error', refuse);
      resolve(listening);
    });
    const refuse = (cause: Error) =>
      reject(
        new PercorsoError(`port ${options.port} of ${options.host} cannot be listened on: ${cause.message}`, {
          mend: 'choose another with --port, or end what listens there',
          cause,
        }),
      );
    listening.on('error', refuse);
  });
  const timer = setInterval(() => void drainOrTell(), options.every * 1000);

  await stopped;
  clearInterval(timer);
  // Requests under way are answered; kept-alive connections that ask for nothing are closed.
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const connections = 'closeAllConnections' in server ? server : undefined;
  connections?.closeIdleConnections();
  const impatient = setTimeout(() => connections?.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(impatient);
  const cause = await drain();
  if (cause !== undefined) {
    throw new PercorsoError(`stopped, and the spool could not be moved into the lake: ${cause}`, {
      mend: `keep ${company.paths.spool}, which holds what was acknowledged: the next \`percorso collect\`, or a build of this lake, moves it`,
    });
  }
  context.stderr('stopped; all that was acknowledged is in the lake\n');
}

/** Resolves when the process is asked to stop. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

function summary(counts: Pick<WrittenCounts, 'events' | 'costs' | 'rejected'>): string {
  const costs = counts.costs === 0 ? '' : `, ${counts.costs} costs`;
  const rejected = counts.rejected === 0 ? '' : `, ${counts.rejected} rejected (see \`percorso rejected\`)`;
  return `${counts.events} events${costs} moved into the lake${rejected}`;
}
