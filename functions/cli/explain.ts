import type { Command } from 'commander';
import * as z from 'zod';
import { lookbackDays } from '#core/config';
import { UsageError } from '#core/errors';
import type { ExplainedPerson, PersonStory, StoryLink } from '#pipeline/people/explain-person';
import type { CliContext } from './context.ts';
import { formatTable } from './output.ts';

const optionsShape = z.object({ at: z.string().optional() });

/** `percorso explain`: where a figure or a person comes from. */
export function register(program: Command, context: CliContext): void {
  const explain = program.command('explain').description('where a figure or a person comes from');
  explain
    .command('person')
    .description('their story in time order, their identifiers, and why each is theirs')
    .argument('<id>', 'a person_id, an e-mail address, a phone number, or KIND:VALUE such as crm_id:123')
    .option('--at <instant>', 'what was known then, such as 2026-05-04T15:30 (the time of the company)')
    .action(async (id: string, given: unknown) => explainOne(context, id, optionsShape.parse(given).at));
  explain
    .command('conversion')
    .description("an order's path, and what every model credits to each touch, with the arithmetic")
    .argument('<id>', 'an order as the shop names it, or a conversion_id such as lead/web/17')
    .action(async (id: string) => tellConversion(context, id));
}

async function tellConversion(context: CliContext, id: string): Promise<void> {
  const company = await context.company();
  const [{ explainConversion, modelWords }, { describeConversion }, { readSeeds }, { withMarts }, { openMarts }] =
    await Promise.all([
      import('#pipeline/reading/explain-conversion'),
      import('./conversion-text.ts'),
      import('#pipeline/builds/catalogue'),
      import('#pipeline/reading/query'),
      import('#adapters/duckdb-marts'),
    ]);
  const { config } = company;
  const { attribution, engine } = config;
  const [first, between, last] = attribution.position;
  const filled: Record<string, number> = {
    half_life_days: attribution.halfLifeDays,
    position_first: first,
    position_between: between,
    position_last: last,
  };
  const fill = (text: unknown) =>
    String(text).replaceAll(/\{([a-z_]+)\}/g, (whole, name: string) => String(filled[name] ?? whole));
  const { attribution_models: seed } = await readSeeds();
  const { memory, threads } = engine;
  const told = await withMarts(
    company.lake,
    (tables) => openMarts(tables, { memory, ...(threads === undefined ? {} : { threads }) }),
    (reader) =>
      explainConversion(reader, id, {
        timeZone: config.timeZone,
        currency: config.currency,
        pathStart: attribution.pathStart,
        lookbackDays: (type) => lookbackDays(config, type),
        models: modelWords(seed?.rows ?? [], fill),
      }),
  );
  context.stdout(context.json ? `${JSON.stringify(told)}\n` : describeConversion(told, config.language));
}

async function explainOne(context: CliContext, id: string, when: string | undefined): Promise<void> {
  const company = await context.company();
  const [{ createIdentifiers }, { hashOfIdentifier }, { explainPerson }, { withMarts }, { openMarts }, { DateTime }] =
    await Promise.all([
      import('#core/identifiers'),
      import('#core/named-identifier'),
      import('#pipeline/people/explain-person'),
      import('#pipeline/reading/query'),
      import('#adapters/duckdb-marts'),
      import('luxon'),
    ]);
  const { timeZone, country, engine } = company.config;
  const moment = when === undefined ? undefined : DateTime.fromISO(when.trim().replace(' ', 'T'), { zone: timeZone });
  if (moment !== undefined && !moment.isValid) {
    throw new UsageError(`--at ${when}: not an instant`, {
      mend: 'write it as 2026-05-04T15:30, or with an offset or Z',
    });
  }
  const asked = /^x:[0-9a-f]{24}$/.test(id.trim())
    ? id.trim()
    : hashOfIdentifier(id, createIdentifiers(await company.identifierKey(), country));
  const { memory, threads } = engine;
  const explained = await withMarts(
    company.lake,
    (tables) => openMarts(tables, { memory, ...(threads === undefined ? {} : { threads }) }),
    (reader) =>
      explainPerson(company.lake, reader, asked, {
        timeZone,
        isPerson: asked === id.trim(),
        ...(moment === undefined ? {} : { at: moment.toJSDate() }),
      }),
  );
  context.stdout(context.json ? `${JSON.stringify(explained)}\n` : describe(explained));
}

/** Enough of a keyed hash for a person to tell it from others. */
function short(identifier: string): string {
  return identifier.slice(0, 10);
}

/** Control characters of what others wrote must not steer the terminal. */
function plain(text: string | null): string {
  return text === null ? '-' : text.replace(/\p{Cc}/gu, ' ');
}

function describe(explained: ExplainedPerson): string {
  const local = new Intl.DateTimeFormat('sv-SE', {
    timeZone: explained.time_zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const time = (instant: string) => local.format(new Date(instant));
  const lines = [`Person ${explained.person_id}`];
  if (explained.asked_for !== undefined) lines.push(`${explained.asked_for} leads to this person.`);
  lines.push(`Times are of ${explained.time_zone}.`);
  if (explained.at !== undefined) lines.push(`What was known at ${time(explained.at)}:`);
  if (explained.known_as.length === 0) lines.push('', 'Nothing: this identifier had not come in yet.');
  if (explained.known_as.length > 1) {
    lines.push(`${explained.known_as.length} persons, whom nothing had tied together yet.`);
  }
  for (const [index, part] of explained.known_as.entries()) {
    lines.push('');
    if (explained.known_as.length > 1) lines.push(`Person ${index + 1} of ${explained.known_as.length}`, '');
    lines.push(...describePart(part, time));
  }
  return `${lines.join('\n')}\n`;
}

function describePart(part: PersonStory, time: (instant: string) => string): string[] {
  const because = (link: StoryLink) => {
    const event = link.event_type === null ? link.event_id : `${link.event_type} of ${link.source} (${link.event_id})`;
    return `with ${short(link.with)} on ${plain(event)}, ${time(link.linked_at)}`;
  };
  const rows = part.story.map((entry) => [
    entry.local_time,
    entry.entry === 'stage'
      ? `enters ${entry.what}`
      : entry.revenue === null || entry.revenue === '0.00'
        ? entry.what
        : `${entry.what} ${entry.revenue}`,
    plain(entry.channel),
    plain(entry.device_class),
    plain(entry.campaign),
    plain(entry.source),
  ]);
  const lines = ['Story'];
  if (rows.length === 0) lines.push('  nothing yet');
  else lines.push(formatTable(['when', 'what', 'channel', 'device', 'campaign', 'told by'], rows).trimEnd());
  lines.push('', 'Identifiers');
  if (part.identifiers.length === 0) lines.push('  none: this is one event alone');
  for (const { identifier, kind, because: links } of part.identifiers) {
    const [first, ...more] = links;
    const why = first === undefined ? 'by itself' : because(first);
    lines.push(`  ${(kind ?? '-').padEnd(13)} ${short(identifier)}  ${why}`);
    for (const link of more) lines.push(`  ${''.padEnd(13)} ${''.padEnd(10)}  ${because(link)}`);
  }
  if (part.ignored.length > 0) lines.push('', 'Shared identifiers, which tie nobody');
  for (const { identifier, kind, links } of part.ignored) {
    for (const link of links) lines.push(`  ${(kind ?? '-').padEnd(13)} ${short(identifier)}  ${because(link)}`);
  }
  if (part.unlinked.length > 0) lines.push('', 'Links taken out (percorso unlink)');
  for (const pair of part.unlinked) {
    lines.push(`  ${short(pair.identifier_a)} and ${short(pair.identifier_b)}, ${time(pair.unlinked_at)}`);
  }
  return lines;
}
