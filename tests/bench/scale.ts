// What grows with the years and with the models, simulated: `node --import tsx tests/bench/scale.ts [COMPANY]`. Plans are those
// of today's models. Manifest, list of taken objects and their reading are made and measured at the sizes of 1, 5 and 10
// years; the state machine's history is counted by the events that Step Functions writes for each kind of state. COMPANY is
// the folder of a built one: its manifest gives the tables. docs/scale.md has the figures.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { createFolderStore } from '../../functions/adapters/folder-store.ts';
import { openCatalogue } from '../../functions/cli/build.ts';
import { lake, type Manifest } from '../../functions/core/lake.ts';
import { planCompany } from '../../functions/pipeline/builds/build.ts';
import { loadCompany } from '../../functions/pipeline/company/company.ts';

const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`);
const table = (...head: string[]) => {
  console.log('');
  row(...head);
  row(...head.map(() => '---'));
};
const kb = (bytes: number) => (bytes / 1024).toFixed(0);
const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
const size = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

const dir = process.argv[2];
if (dir === undefined) throw new Error('scale.ts COMPANY');
const company = await loadCompany({ dir, env: process.env, openStore: createFolderStore });
const catalogue = await openCatalogue();

// Athena takes no statement of more than 262,144 bytes.
const { plan } = await planCompany(company, catalogue, { fullRefresh: true });
table('steps of a whole build', 'models', 'checks', 'published and kept', 'plan, KB', 'longest statement, KB');
const of = (...kinds: string[]) => plan.steps.filter(({ kind }) => kinds.includes(kind)).length;
const longest = Math.max(...plan.steps.map((step) => ('sql' in step ? Buffer.byteLength(step.sql) : 0)));
row(plan.steps.length, of('model', 'solver'), of('check'), of('publish', 'keep'), kb(size(plan.steps)), kb(longest));

// A day of the cloud's door: two runs of the store each five minutes, in each of which an object of events.
const objectsADay = 2 * 288;
const pointer = z
  .object({ build_id: z.string() })
  .parse(JSON.parse(await readFile(join(dir, 'lake', lake.current), 'utf8')));
const manifest: Manifest = JSON.parse(await readFile(join(dir, 'lake', lake.manifest(pointer.build_id)), 'utf8'));
table(
  'years',
  'raw objects',
  'pages of their listing',
  'taken.json, MB',
  'read and compared, ms',
  'days projected',
  'files in the manifest',
  'manifest, KB',
);
for (const years of [1, 5, 10]) {
  const days = years * 365;
  const keys: string[] = [];
  for (let day = 0; day < days; day++) {
    const date = new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
    for (let at = 0; at < objectsADay; at++) {
      keys.push(lake.rawEvent(date, (day * objectsADay + at).toString(16).padStart(32, '0'), 1));
    }
  }
  const text = JSON.stringify(keys);
  const began = performance.now();
  const taken = new Set(z.array(z.string()).parse(JSON.parse(text)));
  const fresh = keys.filter((key) => !taken.has(key)).length;
  const milliseconds = performance.now() - began;
  if (fresh !== 0) throw new Error('all were taken');
  const months = years * 12;
  const grown: Manifest = { ...manifest, tables: { ...manifest.tables } };
  let files = 0;
  for (const tables of [grown.tables, grown.books?.tables ?? {}]) {
    for (const [name, filed] of Object.entries(tables)) {
      const [first] = filed.files;
      const isByMonth = first !== undefined && first.partition !== '';
      const made = isByMonth ? Array.from({ length: months }, () => first) : filed.files;
      tables[name] = { ...filed, files: made };
      files += made.length;
    }
  }
  const pages = Math.ceil(keys.length / 1000);
  row(years, keys.length, pages, mb(Buffer.byteLength(text)), milliseconds.toFixed(0), days, files, kb(size(grown)));
}

// Events in the history of a standard execution, which ends at 25,000. A task that waits (.sync) writes entered, scheduled,
// started, submitted, succeeded, exited; one that calls a Lambda the same without submitted; a choice two; an iteration of a map two.
// Statements come in batches of forty at most: for each the Lambda is asked (a task, a choice), and a map begins and ends.
const task = 6;
const perIteration = 2 + task + 2;
const perBatch = task - 1 + 2 + 4 + 2;
const mostStatements = 40;
/** What the demo company's second day came to in tests/cloud/pipeline.test.ts: tables, views, files, checks and what is written. */
const daily = 497;
table("statements of a day's build", 'batches at least', 'events', 'retried once each');
for (const models of [catalogue.models.length, 300, 600, 1000]) {
  // What comes with a model today, checks and files to publish too.
  const statements = Math.round((models / catalogue.models.length) * daily);
  const batches = Math.ceil(statements / mostStatements);
  const events = statements * perIteration + batches * perBatch;
  row(`${statements} (${models} models)`, batches, events, events + 4 * statements);
}
