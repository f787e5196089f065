import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { type AwsConfig, configSchema } from '#core/config';
import type { Bill, FirmSize } from '#pipeline/cost/bill';
import type { CliContext } from './context.ts';
import { formatTable } from './output.ts';

const count = (name: string) => z.coerce.number(`${name} is a number`).positive(`${name} is above 0`);
const optionsShape = z.object({
  eventsPerDay: count('--events-per-day'),
  historyMonths: count('--history-months'),
  eventsPerRequest: count('--events-per-request').min(1),
  readers: z.coerce.number().int().min(0),
  region: z.string().optional(),
  dir: z.string().optional(),
});

/** `percorso cost`: what a month on AWS would cost a firm of this size, and what holds it down. */
export function register(program: Command, context: CliContext): void {
  program
    .command('cost')
    .description("a month's bill on AWS by service, and the ceilings of the deployment (docs/cost.md)")
    .requiredOption('--events-per-day <n>', 'events that come in on a day')
    .option('--history-months <m>', 'months of such events that lie behind', '24')
    .option('--events-per-request <n>', 'events that senders put into one request; browsers send one by one', '1')
    .option('--readers <n>', 'persons who read the dashboards', '20')
    .option('--region <region>', "eu-south-1 or eu-west-1; the company's own by default")
    .action(async (_given: unknown, command: Command) => {
      const parsed = optionsShape.safeParse(command.optsWithGlobals());
      if (!parsed.success) {
        const { UsageError } = await import('#core/errors');
        throw new UsageError(parsed.error.issues.map(({ message }) => message).join('; '), {
          mend: 'such as --events-per-day 33000 --history-months 24',
        });
      }
      await print(parsed.data, context);
    });
}

async function print(options: z.output<typeof optionsShape>, context: CliContext): Promise<void> {
  const [{ reckonBill, savings }, { readPrices, readScannedBytes }] = await Promise.all([
    import('#pipeline/cost/bill'),
    import('#pipeline/cost/price-tables'),
  ]);
  const aws = await deploymentOf(options.dir, context);
  const region = options.region ?? aws.region;
  const size: FirmSize = options;
  const tables = { prices: await readPrices(), scanned: await readScannedBytes() };
  const bill = reckonBill(size, region, tables);
  const saved = savings(size, region, tables);
  const ceilings = ceilingsOf(aws, size, bill);
  const regional = tables.prices.filter((one) => one.region === region);
  const unseen = regional.filter(({ seen }) => seen === 'from memory').map(({ item }) => item);
  if (context.json) {
    context.stdout(`${JSON.stringify({ size, ...bill, savings: saved, ceilings, prices_from_memory: unseen })}\n`);
    return;
  }
  context.stdout(billText(bill, size));
  context.stdout(
    `\nWithout these ideas it would be more by\n${formatTable(
      ['USD a month', 'idea'],
      saved.map(({ idea, usd }) => [usd.toFixed(2), idea]),
    )}`,
  );
  context.stdout(`\nCeilings of this deployment (aws in percorso.config.ts; each holds from the next deployment on)\n`);
  context.stdout(
    formatTable(
      ['setting', 'is', 'holds', 'at this size'],
      ceilings.map(({ setting, value, holds, here }) => [setting, value, holds, here]),
    ),
  );
  const dated = regional.map(({ as_of }) => as_of).sort();
  context.stdout(
    `\nPrices of ${region}, ${dated[0]} to ${dated.at(-1)}, in USD without taxes; ${unseen.length} of ${regional.length} are from memory ` +
      `(${unseen.join(', ')}): infra/prices/aws.csv. Free allowances that never end are taken off.\n`,
  );
}

/** The settings of the company's deployment; a firm that has none yet gets the defaults. */
async function deploymentOf(dir: string | undefined, context: CliContext): Promise<AwsConfig> {
  const { configFileName } = await import('#pipeline/company/company');
  const isCompany = existsSync(join(resolve(context.cwd, dir ?? '.'), configFileName));
  const configured = dir !== undefined || isCompany ? (await context.company()).config.aws : undefined;
  const parsed = configured ?? configSchema.parse({ name: 'A firm', aws: { id: 'firm' } }).aws;
  if (parsed === undefined) throw new Error('the configuration has no defaults for AWS');
  return parsed;
}

interface Ceiling {
  setting: string;
  value: string;
  holds: string;
  here: string;
}

/** The door must take what comes at once, which is more than the mean of a day. */
const peakOverMean = 5;

function ceilingsOf(aws: AwsConfig, size: FirmSize, bill: Bill): Ceiling[] {
  const requests = size.eventsPerDay / size.eventsPerRequest / 86_400;
  const largestGb = bill.largestStatement.bytes / 1e9;
  const peak = requests * peakOverMean;
  const over = (isOver: boolean, what: string) => (isOver ? `TOO LOW: ${what}` : what);
  return [
    {
      setting: 'monthlyBudgetUsd',
      value: String(aws.monthlyBudgetUsd),
      holds: 'nothing; mails at 80 % spent and once 100 % is forecast',
      here: over(aws.monthlyBudgetUsd < bill.usd, `the bill is ${bill.usd.toFixed(2)}`),
    },
    {
      setting: 'scanLimitGb',
      value: String(aws.scanLimitGb),
      holds: 'ends a statement that reads more',
      here: over(
        aws.scanLimitGb < largestGb,
        `the largest, ${bill.largestStatement.step}, reads ${largestGb < 0.01 ? 'less than 0.01' : largestGb.toFixed(2)} GB`,
      ),
    },
    {
      setting: 'requestsPerSecond',
      value: String(aws.requestsPerSecond),
      holds: 'above it the door answers 429',
      here: over(
        aws.requestsPerSecond < peak,
        `${requests.toFixed(2)} a second on average, ${peak.toFixed(1)} at ${peakOverMean} times that`,
      ),
    },
  ];
}

function billText(bill: Bill, size: FirmSize): string {
  const services = [...new Set(bill.lines.map(({ service }) => service))]
    .map((service) => {
      const lines = bill.lines.filter((line) => line.service === service);
      return { service, lines, usd: lines.reduce((sum, { usd }) => sum + usd, 0) };
    })
    .sort((a, b) => b.usd - a.usd);
  const rows = services.flatMap(({ service, lines, usd }) => [
    [service, '', '', usd.toFixed(2)],
    ...lines.map((line) => ['', line.what, `${amount(line.quantity)} x ${line.unit}`, line.usd.toFixed(2)]),
  ]);
  const months = `${size.historyMonths} months behind`;
  return (
    `${amount(size.eventsPerDay)} events a day, ${months}, ${size.eventsPerRequest} a request, ${bill.region}\n\n` +
    formatTable(['service', 'for', 'quantity', 'USD a month'], [...rows, ['all', '', '', bill.usd.toFixed(2)]])
  );
}

function amount(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} million`;
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 0.01 ? value.toFixed(2) : value.toExponential(1);
}
