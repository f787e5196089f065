import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { PercorsoError, UsageError } from '#core/errors';
import type { Company } from '#pipeline/company/company';
import type { DashboardResult } from '#pipeline/site/dashboards';
import type { CliContext, Progress } from './context.ts';

const serveOptions = z.object({ port: z.number() });

/** `percorso dashboards`: makes the site where something has changed, and serves it; `build` and `serve` do one of the two. */
export function register(program: Command, context: CliContext): void {
  const dashboards = program
    .command('dashboards')
    .description('the site: make it, serve it, or both')
    .option('--port <port>', 'where it is served; the next free port if this one is taken', asPort, 4380)
    .action(async (given: unknown) => {
      const company = await context.company();
      await buildSite(company, context.progress('dashboards'));
      await serve(company, serveOptions.parse(given).port, context);
    });
  dashboards
    .command('build')
    .description('make the pages from the published tables')
    .option('--force', 'compile the pages anew even where nothing has changed', false)
    .option('--publish <bucket>', 'put the site into this bucket of S3, from which CloudFront reads it (docs/aws.md)')
    .action(async (given: unknown) => {
      const { force, publish } = z.object({ force: z.boolean(), publish: z.string().optional() }).parse(given);
      const company = await context.company();
      const result = await buildSite(company, context.progress('dashboards'), force);
      const published = publish === undefined ? undefined : await publishTo(publish, company, context);
      if (context.json) context.stdout(`${JSON.stringify({ ...result, ...published })}\n`);
    });
  dashboards
    .command('serve')
    .description('serve what is made, until stopped')
    .action(async (_given: unknown, command: Command) => {
      await serve(await context.company(), serveOptions.parse(command.optsWithGlobals()).port, context);
    });
}

/**
 * Makes the site of a company on this machine. Quick where nothing has changed since the last time.
 * @throws PercorsoError where a page cannot be made; the site that was there stays.
 */
export async function buildSite(company: Company, progress: Progress, force = false): Promise<DashboardResult> {
  const [{ buildDashboards }, { withLock }, { createDuckDbWarehouse }, { openCatalogue, buildEmpty }] =
    await Promise.all([
      import('#pipeline/site/dashboards'),
      import('#adapters/file-lock'),
      import('#adapters/duckdb-warehouse'),
      import('./build.ts'),
    ]);
  await company.fetchPublished?.();
  const { memory, threads } = company.config.engine;
  const result = await buildDashboards(
    company,
    {
      withLock,
      readCatalogue: openCatalogue,
      buildEmpty: (catalogue) => buildEmpty(company, catalogue),
      openWarehouse: () =>
        createDuckDbWarehouse({
          spill: join(company.paths.work, `pages-${process.pid}`),
          memory,
          ...(threads === undefined ? {} : { threads }),
        }),
    },
    { force, onStep: (step) => progress.update(step) },
  );
  progress.done(result.did === 'nothing' ? 'already up to date' : `pages of the build ${result.build_id}`);
  return result;
}

async function publishTo(bucket: string, company: Company, context: CliContext) {
  const [{ S3Client }, { publishSite }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('#adapters/site-bucket'),
  ]);
  const { aws } = company.config;
  const client = new S3Client(aws === undefined ? {} : { region: aws.region });
  const published = await publishSite(company.paths.site, bucket, client);
  context.stderr(`${published.put} files put into ${bucket}, ${published.removed} removed\n`);
  return published;
}

async function serve(company: Company, port: number, context: CliContext): Promise<void> {
  const { address, closed } = await serveSite(company.paths.site, port);
  if (context.json) context.stdout(`${JSON.stringify({ address })}\n`);
  else context.stderr(`dashboards of ${company.config.name}: ${address} (Ctrl+C stops)\n`);
  await closed;
}

const headers = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  // The pages carry the rest of the policy themselves, with the hashes of their scripts; a page cannot forbid its own framing.
  'Content-Security-Policy': "frame-ancestors 'none'",
} as const;

export interface RunningSite {
  address: string;
  port: number;
  /** Settles once the server has stopped. */
  closed: Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves a site's folder on this machine alone, on the port given or the next one that is free. A site made anew meanwhile is seen at once.
 * @throws UsageError where no site is there; PercorsoError where 20 ports on end are taken.
 */
export async function serveSite(site: string, port: number): Promise<RunningSite> {
  if ((await stat(join(site, 'index.html')).catch(() => undefined)) === undefined) {
    throw new UsageError('there is no site yet', { mend: 'run `percorso dashboards build`' });
  }
  const { default: sirv } = await import('sirv');
  const files = sirv(site, {
    dev: true, // looks at the disk at each request: the folder is replaced whole when data changes
    etag: true,
    brotli: true,
    setHeaders(response, path) {
      const isNamedByContent = path.startsWith('/_app/immutable/') || /^\/data\/.*\/[0-9a-f]{32}\//.test(path);
      response.setHeader('Cache-Control', isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      return;
    }
    files(request, response, () => {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('Not found / Non trovato\n');
    });
  });
  for (let candidate = port; candidate < port + 20; candidate++) {
    const isOurs = await new Promise<boolean>((resolve, reject) => {
      const failed = (error: Error) =>
        'code' in error && error.code === 'EADDRINUSE' ? resolve(false) : reject(error);
      server.once('error', failed);
      server.listen(candidate, '127.0.0.1', () => {
        server.off('error', failed);
        resolve(true);
      });
    });
    if (!isOurs) continue;
    return {
      address: `http://localhost:${candidate}/`,
      port: candidate,
      closed: new Promise((resolve) => server.on('close', resolve)),
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    };
  }
  throw new PercorsoError(`the ports ${port} to ${port + 19} are all taken`, { mend: 'name a free one with --port' });
}

function asPort(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_000) throw new InvalidArgumentError('a port from 1 to 65000.');
  return port;
}
