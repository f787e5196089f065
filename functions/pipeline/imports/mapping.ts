import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import picomatch from 'picomatch';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { RefusedError, UsageError } from '#core/errors';
import { nearest } from '#core/nearest';
import { type Mapping, mappingSchema } from '#pipeline/imports/mapping-schema';

/** A mapping as read from its file. */
export interface MappingFile {
  /** As people are told of it: the file's name. */
  name: string;
  /** Where a replay finds it again: the name of a file in mappings/, or a whole path elsewhere. */
  path: string;
  mapping: Mapping;
  /** Of what the mapping says, without comments and layout: an edited comment is no new mapping. */
  hash: string;
}

/**
 * Reads a mapping out of YAML.
 * @throws RefusedError with file, line, field and mend of each thing that is wrong, up to ten.
 */
export function parseMapping(text: string, name: string, path = name): MappingFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new RefusedError(
      `${name}, line ${line}, column ${col}: not YAML: ${broken.message.split('\n', 1)[0] ?? ''}`,
      {
        mend: 'correct this line; `percorso import --suggest FILE` shows how a mapping looks',
      },
    );
  }
  const plain: unknown = document.toJS();
  const checked = mappingSchema.safeParse(plain);
  if (checked.success) {
    const hash = createHash('sha256').update(JSON.stringify(checked.data)).digest('hex').slice(0, 32);
    return { name, path, mapping: checked.data, hash };
  }
  const found = checked.error.issues.flatMap(deepest);
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const steps = path.slice(0, depth).map(String);
      const node: unknown = depth === 0 ? document.contents : document.getIn(steps, true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const messages = found.slice(0, 10).map((issue) => {
    const field = issue.path.map(String).join('.');
    return `${name}, line ${lineOf(issue.path)}${field === '' ? '' : `, ${field}`}: ${issue.message}`;
  });
  throw new RefusedError(messages.join('\n'), {
    mend: 'correct the mapping; docs/mapping.md tells each field, `percorso import --suggest FILE` drafts one',
  });
}

interface Finding {
  path: readonly PropertyKey[];
  message: string;
}

/** Of a value that may have several forms, the findings of the form that was meant. */
function deepest(issue: z.core.$ZodIssue): Finding[] {
  if (issue.code === 'invalid_union') {
    const branches = issue.errors.map((errors) =>
      errors.flatMap((error) => deepest({ ...error, path: [...issue.path, ...error.path] })),
    );
    const meant = branches.find((branch) => branch.some(({ message }) => !message.startsWith('Invalid input')));
    if (meant !== undefined) return meant;
    return [{ path: issue.path, message: 'must be a text such as "till-{Receipt}", or { column: ... } with details' }];
  }
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const mend = near === undefined ? `one of ${known.join(', ')}` : `did you mean ${near}?`;
      return { path: [...issue.path, key], message: `no such field; ${mend}` };
    });
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) return [{ path: issue.path, message: 'is missing' }];
  return [{ path: issue.path, message: issue.message }];
}

const eventGroups = ['identifiers', 'touch', 'device', 'place', 'consent', 'value'];
const fieldsByPlace: Record<string, string[]> = {
  '': ['source', 'files', 'format', 'onCut', 'timeZone', 'where', 'connector', 'currency', 'events', 'costs'],
  format: ['type', 'delimiter', 'encoding', 'decimal', 'header', 'skipLines'],
  events: ['when', 'event_type', 'event_id', 'occurred_at', 'updated_at', ...eventGroups, 'properties'],
  costs: [
    ...['when', 'cost_date', 'account', 'campaign_id', 'campaign', 'ad_group', 'channel', 'impressions', 'clicks'],
    ...['spend', 'currency', 'platform_conversions', 'platform_value'],
  ],
  identifiers: ['anonymous_id', 'user_id', 'crm_id', 'loyalty_card', 'email', 'phone'],
  touch: [...['channel', 'source', 'medium', 'campaign', 'campaign_id', 'content', 'term', 'referrer', 'landing_page']],
  device: ['class', 'os', 'browser', 'user_agent', 'is_bot'],
  place: ['country', 'region'],
  consent: ['analytics', 'marketing'],
  value: ['order_id', 'revenue', 'tax', 'shipping', 'discount', 'margin', 'currency'],
  detail: ['column', 'value', 'format', 'locale', 'map', 'default', 'decimal', 'type', 'required'],
};

function knownFields(path: readonly PropertyKey[]): string[] {
  const steps = path.filter((step) => typeof step === 'string');
  const place = steps.at(-1) ?? '';
  const isField = steps.length > 1 && !(eventGroups.includes(place) && steps.length === 2);
  return fieldsByPlace[isField ? 'detail' : place] ?? fieldsByPlace.detail ?? [];
}

/** @throws UsageError where there is no such file; RefusedError where the mapping is wrong. */
export async function readMapping(path: string): Promise<MappingFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`no mapping ${path}`, {
      mend: 'name a file in mappings/, or draft one with `percorso import --suggest FILE`',
      cause,
    });
  }
  return parseMapping(text, basename(path));
}

/** Finds the mapping of `--mapping`: a path, or the name of a file in mappings/ with or without .yaml. */
export async function namedMapping(wanted: string, cwd: string, mappingsDir: string): Promise<MappingFile> {
  const candidates = [resolve(cwd, wanted)];
  if (!isAbsolute(wanted)) {
    candidates.push(join(mappingsDir, wanted), join(mappingsDir, `${wanted}.yaml`), join(mappingsDir, `${wanted}.yml`));
  }
  for (const candidate of candidates) {
    try {
      if (extname(candidate) === '') continue;
      const isOwn = dirname(candidate) === resolve(mappingsDir);
      const name = basename(candidate);
      return parseMapping(await readFile(candidate, 'utf8'), name, isOwn ? name : candidate);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new UsageError(`no mapping ${wanted}`, {
    mend: `name a file of ${basename(mappingsDir)}/, or draft one with \`percorso import --suggest FILE\``,
  });
}

/** All mappings of a company, by name. None where it has no folder of mappings. */
export async function companyMappings(mappingsDir: string): Promise<MappingFile[]> {
  let names: string[];
  try {
    names = await readdir(mappingsDir);
  } catch {
    return [];
  }
  const wanted = names.filter((name) => /\.ya?ml$/i.test(name)).sort();
  return Promise.all(wanted.map((name) => readMapping(join(mappingsDir, name))));
}

/** Whether the mapping says that it is for files of this name. */
export function isForFile(mapping: Mapping, fileName: string): boolean {
  return (mapping.files ?? []).some((glob) => picomatch.isMatch(fileName, glob, { nocase: true }));
}
