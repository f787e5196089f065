// How far each attribution model stands from the truth: `node tests/bench/truth.js [companies] [customers]` (default 20 of 3000)
// makes simulated companies by different seeds, builds each, and sets each model's credited margin beside the margin that is
// missing in the same company's world without the channel (truth/effects.csv, see docs/demo.md). Prints Markdown tables.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const companies = Number(process.argv[2] ?? 20);
const customers = process.argv[3] ?? '3000';
const folder = mkdtempSync(join(tmpdir(), 'percorso-truth-'));

/** Campaigns that are a part of their channel in truth/effects.csv. Both follow people who were coming anyway. */
const captures = [
  { part: 'brand_search', channel: 'Paid Search', campaign: 'Brand - Search' },
  { part: 'social_retargeting', channel: 'Paid Social', campaign: 'Retargeting - Carrello' },
];

function percorso(dir, ...args) {
  return execFileSync(process.execPath, [join(root, 'bin/percorso.js'), ...args], {
    cwd: dir,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function ask(dir, sql) {
  return JSON.parse(percorso(dir, 'query', sql, '--format', 'json'));
}

/** One company's truth and credit: margin by name, and by model and name; spend by name. */
function measure(seed) {
  const dir = join(folder, String(seed));
  percorso(folder, 'demo', String(seed), '--customers', customers, '--seed', String(seed));
  percorso(dir, 'import', 'landing');
  percorso(dir, 'build');
  const effects = parse(readFileSync(join(dir, 'truth/effects.csv'), 'utf8'), { columns: true });
  const truth = new Map();
  const spend = new Map();
  for (const { channel, part, margin_missing, spend: cents } of effects) {
    const name = part === '(all)' ? channel : part;
    truth.set(name, Number(margin_missing));
    if (Number(cents) > 0) spend.set(name, Number(cents));
  }
  const credit = new Map();
  const add = (model, name, margin) => credit.set(model, (credit.get(model) ?? new Map()).set(name, Number(margin)));
  for (const row of ask(dir, "select model, channel, margin from channel_roi where period = 'all_time'"))
    add(row.model, row.channel, row.margin ?? 0);
  const wanted = captures.map(({ campaign }) => `'${campaign}'`).join(', ');
  const parts = ask(
    dir,
    `select model, channel, campaign, sum(margin) as margin from credit
     where conversion_type in ('first_order', 'repeat_order') and campaign in (${wanted}) group by model, channel, campaign`,
  );
  for (const row of parts) {
    const part = captures.find((one) => one.campaign === row.campaign && one.channel === row.channel);
    if (part !== undefined) add(row.model, part.part, row.margin ?? 0);
  }
  rmSync(dir, { recursive: true, force: true });
  return { truth, spend, credit };
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const percent = (share) => `${Math.round(share * 100)} %`;
const table = (rows) => {
  for (const [index, row] of rows.entries()) {
    console.log(`| ${row.join(' | ')} |`);
    if (index === 0) console.log(`| ${row.map(() => '---').join(' | ')} |`);
  }
  console.log('');
};

/** Ranks with ties at their mean. */
function ranks(values) {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function correlation(xs, ys) {
  const [mx, my] = [mean(xs), mean(ys)];
  const up = xs.reduce((sum, x, index) => sum + (x - mx) * (ys[index] - my), 0);
  const down = Math.sqrt(xs.reduce((s, x) => s + (x - mx) ** 2, 0) * ys.reduce((s, y) => s + (y - my) ** 2, 0));
  return up / down;
}

try {
  const measured = [];
  for (let seed = 1; seed <= companies; seed++) {
    measured.push(measure(seed));
    process.stderr.write(`truth: ${seed} of ${companies} companies\n`);
  }
  const names = [...measured[0].truth.keys()];
  const channels = names.filter((name) => !name.includes('_'));
  const parts = names.filter((name) => captures.some(({ part }) => part === name));
  const models = [...measured[0].credit.keys()].sort();
  const of = (one, model, name) => one.credit.get(model)?.get(name) ?? 0;

  console.log(`${companies} companies of ${customers} persons in the market, seeds 1 to ${companies}\n`);
  const summary = models.map((model) => {
    const misplaced = measured.map((one) => {
      const given = channels.map((name) => Math.max(0, of(one, model, name)));
      const true_ = channels.map((name) => Math.max(0, one.truth.get(name)));
      const [all, allTrue] = [given.reduce((a, b) => a + b, 0), true_.reduce((a, b) => a + b, 0)];
      return given.reduce((sum, margin, index) => sum + Math.abs(margin / all - true_[index] / allTrue), 0) / 2;
    });
    const order = measured.map((one) =>
      correlation(
        ranks(channels.map((name) => of(one, model, name))),
        ranks(channels.map((name) => one.truth.get(name))),
      ),
    );
    const signs = measured.map((one) =>
      mean(
        channels
          .filter((name) => one.spend.has(name))
          .map((name) => {
            const cost = one.spend.get(name);
            return of(one, model, name) > cost === one.truth.get(name) > cost ? 1 : 0;
          }),
      ),
    );
    const nowhere = measured.map(
      (one) =>
        (of(one, model, 'Direct') + of(one, model, '(unattributed)')) /
        [...(one.credit.get(model)?.entries() ?? [])]
          .filter(([name]) => !name.includes('_'))
          .reduce((sum, [, margin]) => sum + margin, 0),
    );
    return [model, percent(mean(misplaced)), mean(order).toFixed(2), percent(mean(signs)), percent(mean(nowhere))];
  });
  table([
    ['model', 'credit on the wrong channel', 'rank correlation', 'profit or loss rightly told', 'on Direct or nothing'],
    ...summary.sort((a, b) => Number.parseInt(a[1], 10) - Number.parseInt(b[1], 10)),
  ]);

  // Effects of one company are noisy: a channel's error is that of all companies together.
  const sum = (pick) => measured.reduce((total, one) => total + pick(one), 0);
  table([
    ['channel or part', 'true margin', ...models],
    ...[...channels, ...parts].map((name) => {
      const effect = sum((one) => one.truth.get(name));
      const credited = models.map((model) => sum((one) => of(one, model, name)));
      return [
        name,
        Math.round(effect / companies).toLocaleString('en'),
        ...credited.map((margin) => Math.round(margin / companies).toLocaleString('en')),
      ];
    }),
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
