import * as z from 'zod';
import { type Config, configSchema } from '#core/config';
import { UsageError } from '#core/errors';
import { nearest } from '#core/nearest';

/**
 * Checks a configuration and fills in the defaults. Errors name every wrong setting by its path, with the value and the
 * mend; an unknown setting is met with the nearest known name.
 * @param origin where it came from, for the message: a file's path.
 * @param overrides settings replaced for one command, by path, as text typed by the schema.
 */
export function parseConfig(input: unknown, origin: string, overrides: Readonly<Record<string, string>> = {}): Config {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new UsageError(`${origin} exports no configuration`, {
      mend: 'write `export default defineConfig({ name: "Your company" })`',
    });
  }
  let value: unknown = input;
  for (const [path, text] of Object.entries(overrides))
    value = replaceAt(value, path.split('.'), readSetting(path, text));
  const checked = configSchema.safeParse(value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap((issue) => explain(issue, value));
  const one = problems.length === 1;
  throw new UsageError(
    `${origin} has ${one ? 'a wrong setting' : `${problems.length} wrong settings`}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    {
      mend: one
        ? 'change that setting; docs/interface.md lists them all'
        : 'change these settings; docs/interface.md lists them all',
    },
  );
}

/**
 * `path=value` of the command line.
 * @throws UsageError where there is no `=` or no such setting.
 */
export function parseOverrides(settings: readonly string[]): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const setting of settings) {
    const at = setting.indexOf('=');
    if (at < 1) {
      throw new UsageError(`--set ${setting} has no value`, { mend: 'write --set attribution.lookbackDays=30' });
    }
    const path = setting.slice(0, at);
    readSetting(path, setting.slice(at + 1));
    overrides[path] = setting.slice(at + 1);
  }
  return overrides;
}

function explain(issue: z.core.$ZodIssue, input: unknown): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = namesUnder(schemaAt(path));
    return issue.keys.map((key) => `${[...path, key].join('.')}: no such setting${suggestion(key, path, known)}`);
  }
  if (issue.code === 'invalid_key') {
    return [`${path.join('.')}: this name cannot stand here: ${issue.issues.map((inner) => inner.message).join('; ')}`];
  }
  const value = valueAt(input, path);
  const shown = value === undefined ? 'is missing' : `is ${shorten(JSON.stringify(value))}`;
  return [`${path.join('.')} ${shown}: ${issue.message.replace(/^Invalid input: /, '')}`];
}

function suggestion(key: string, path: readonly string[], known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) return `; did you mean ${[...path, near].join('.')}?`;
  const elsewhere = allPaths().find((candidate) => candidate.split('.').at(-1)?.toLowerCase() === key.toLowerCase());
  if (elsewhere !== undefined) return `; did you mean ${elsewhere}?`;
  return known.length > 0 ? `; known here: ${known.join(', ')}` : '';
}

function shorten(text: string | undefined): string {
  return text === undefined ? 'nothing' : text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function readSetting(path: string, text: string): unknown {
  const schema = schemaAt(path.split('.'));
  if (schema === undefined) {
    const near = nearest(path, allPaths());
    throw new UsageError(`--set ${path}: no such setting`, {
      mend: near === undefined ? 'docs/interface.md lists the settings' : `did you mean ${near}?`,
    });
  }
  const type = unwrap(schema)._zod.def.type;
  switch (type) {
    case 'number': {
      const number = Number(text);
      if (text.trim() === '' || Number.isNaN(number)) {
        throw new UsageError(`--set ${path}=${text}: not a number`, { mend: `write --set ${path}=1` });
      }
      return number;
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') {
        throw new UsageError(`--set ${path}=${text}: neither true nor false`, { mend: `write --set ${path}=true` });
      }
      return text === 'true';
    case 'array':
    case 'tuple':
    case 'object':
    case 'record':
      try {
        return JSON.parse(text);
      } catch (cause) {
        if (type !== 'array') {
          throw new UsageError(`--set ${path}=${text}: not JSON`, {
            mend: 'write the value as JSON, in quotes',
            cause,
          });
        }
        return text.split(',').map((part) => part.trim());
      }
    default:
      return text;
  }
}

type Schema = z.core.$ZodType;

/** Takes off defaults and options, so that what a person writes there is left. */
function unwrap(schema: Schema): z.core.$ZodTypes {
  const known = schema as z.core.$ZodTypes;
  const def = known._zod.def;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return unwrap(def.innerType);
    case 'pipe':
      return unwrap(def.in);
    default:
      return known;
  }
}

function schemaAt(path: readonly string[]): Schema | undefined {
  let schema: Schema | undefined = configSchema;
  for (const name of path) {
    if (schema === undefined) return undefined;
    const def: z.core.$ZodTypes['_zod']['def'] = unwrap(schema)._zod.def;
    if (def.type === 'object') schema = def.shape[name];
    else if (def.type === 'record') schema = accepts(def.keyType, name) ? def.valueType : undefined;
    else if (def.type === 'array') schema = /^\d+$/.test(name) ? def.element : undefined;
    else if (def.type === 'tuple') schema = def.items[Number(name)];
    else return undefined;
  }
  return schema;
}

function accepts(keyType: Schema, name: string): boolean {
  return z.safeParse(keyType, name).success;
}

function namesUnder(schema: Schema | undefined): string[] {
  if (schema === undefined) return [];
  const def = unwrap(schema)._zod.def;
  return def.type === 'object' ? Object.keys(def.shape) : [];
}

function allPaths(schema: Schema = configSchema, prefix = ''): string[] {
  return namesUnder(schema).flatMap((name) => {
    const path = `${prefix}${name}`;
    const inner = schemaAt(path.split('.'));
    return [path, ...(inner === undefined ? [] : allPaths(inner, `${path}.`))];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const name of path) value = isRecord(value) ? value[name] : undefined;
  return value;
}

function replaceAt(input: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  if (Array.isArray(input))
    return input.map((item, index) => (index === Number(name) ? replaceAt(item, rest, value) : item));
  const record = isRecord(input) ? input : {};
  return { ...record, [name]: replaceAt(record[name], rest, value) };
}
