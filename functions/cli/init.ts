import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '#core/errors';
import type { CliContext } from './context.ts';

/** `percorso init DIR`: a commented configuration and the folders; nothing else. */
export function register(program: Command, context: CliContext): void {
  program
    .command('init')
    .description('make the folder of a new company: a commented configuration, folders, nothing else')
    .argument('<dir>', 'the folder, new or empty')
    .action(async (folder: string) => {
      const dir = resolve(context.cwd, folder);
      await mkdir(dir, { recursive: true });
      if ((await readdir(dir)).length > 0) {
        throw new UsageError(`${dir} is not empty`, { mend: 'name a folder that is new or empty' });
      }
      await Promise.all(['mappings', 'landing'].map((name) => mkdir(join(dir, name))));
      await writeFile(join(dir, 'percorso.config.ts'), configuration(basename(dir)));
      await writeFile(join(dir, '.gitignore'), ignored);
      if (context.json) context.stdout(`${JSON.stringify({ dir })}\n`);
      context.stderr(
        `Made ${relative(context.cwd, dir) || '.'}. Next: look through percorso.config.ts, put a first file in with ` +
          '`percorso import --suggest FILE`, then `percorso build`.\n',
      );
    });
}

const ignored = `# Data and secrets stay out of version control.
/lake/
/landing/
/.percorso/
/truth/
`;

const configuration = (name: string) => `import { defineConfig } from 'percorso';

// Only \`name\` is required. What is commented out shows the default, or an example where there is none.
export default defineConfig({
  name: ${JSON.stringify(name)},

  // timeZone: 'Europe/Rome', // reporting days begin at midnight here
  // currency: 'EUR', // all money is reported in it; other currencies need fx-rates.csv
  // language: 'it', // of the dashboards: it or en
  // country: 'IT', // of telephone numbers without a prefix

  // attribution: {
  //   lookbackDays: 90, // touches older than this at the conversion get no credit
  //   halfLifeDays: 7, // of the time_decay model
  //   position: [0.4, 0.2, 0.4], // first, all between, last, of the position_based model
  //   defaultModel: 'position_based', // what the pages open with
  // },

  // Beside lead, opportunity, first_order, repeat_order and referral: each such event is one conversion.
  // conversions: {
  //   demo_booked: { event: 'Demo Booked', lookbackDays: 30, value: '25.00' },
  // },

  // web: {
  //   ownDomains: ['example.it'], // never a referrer
  // },

  // Who sends events. writeKeyEnv names the environment variable with the key of a source that sends over HTTP.
  // sources: {
  //   shop: { trust: 1, writeKeyEnv: 'PERCORSO_KEY_SHOP' }, // lower is believed first where two tell of one order
  //   web: { trust: 90, kind: 'browser', writeKeyEnv: 'PERCORSO_KEY_WEB' },
  //   till: { kind: 'file', gross: true, vatRate: 0.22 }, // its prices include VAT
  // },

  // money: {
  //   defaultMarginRate: 0.35, // where an order or a conversion of your own brings no margin; without it such a margin stays unknown
  // },

  // customers: {
  //   historyStarts: '2024-01-01', // who orders first in the data may have been a customer before this day
  // },

  // mail: {
  //   smtpEnv: 'PERCORSO_SMTP_URL', // the environment variable with smtps://user:password@host, or ses://REGION
  //   from: 'percorso@example.it',
  //   onFailureTo: ['it@example.it'], // who hears of a failed \`percorso nightly\`
  // },

  // Lists beside this file, each with a first line of column names; all optional:
  //   fixed-costs.csv    channel,label,from_date,to_date,amount,currency
  //   fx-rates.csv       rate_date,currency,rate          (reporting currency for one unit)
  //   vat-by-source.csv  source,vat_rate
  //   campaigns.csv      source,campaign_id,alias,channel,campaign
  //   channel-rules.csv  channel,source,medium,campaign,site_category
  //   invoices.csv       month,amount                     (what finance knows, to reconcile with)
});
`;
