import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Synthesises a company's stacks into a folder as an engineer would, without an account or credentials. */
export function synthesise(company: string, stage: string, into: string): void {
  const { PATH, HOME } = process.env;
  const cdk = join(root, 'infra', 'node_modules', '.bin', 'cdk');
  execFileSync(cdk, ['synth', '--quiet', '--output', into, '-c', `company=${company}`, '-c', `stage=${stage}`], {
    cwd: join(root, 'infra'),
    env: { PATH, HOME, CI: 'true' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const resource = z.looseObject({ Type: z.string(), Properties: z.unknown().optional() });
export type Resource = z.output<typeof resource>;
const template = z.looseObject({
  Resources: z.record(z.string(), resource),
  Outputs: z
    .record(z.string(), z.looseObject({ Value: z.unknown(), Export: z.object({ Name: z.string() }).optional() }))
    .default({}),
});
const assets = z.looseObject({
  files: z.record(z.string(), z.looseObject({ source: z.looseObject({ path: z.string() }) })),
});

export interface Template {
  stack: string;
  resources: [string, Resource][];
  outputs: z.output<typeof template>['Outputs'];
  /** The folder of an asset, by the hash that its key in S3 begins with. */
  assetFolder(hash: string): string;
}

/** The templates of a synthesis, those that export before those that import. */
export function readTemplates(folder: string): Template[] {
  const stacks = readdirSync(folder)
    .filter((file) => file.endsWith('.template.json'))
    .map((file) => file.slice(0, -'.template.json'.length));
  const order = ['lake', 'doors', 'pipeline', 'watch', 'site', 'spend'];
  const rank = (stack: string) => order.findIndex((part) => stack.endsWith(`-${part}`));
  return stacks
    .sort((a, b) => rank(a) - rank(b))
    .map((stack) => {
      const { Resources, Outputs } = template.parse(
        JSON.parse(readFileSync(join(folder, `${stack}.template.json`), 'utf8')),
      );
      const { files } = assets.parse(JSON.parse(readFileSync(join(folder, `${stack}.assets.json`), 'utf8')));
      return {
        stack,
        resources: Object.entries(Resources),
        outputs: Outputs,
        assetFolder(hash) {
          const file = files[hash];
          if (file === undefined) throw new Error(`${stack} has no asset ${hash}`);
          return join(folder, file.source.path);
        },
      };
    });
}

/** What references stand for: of each resource its `Ref` and its attributes, and of each export its value. */
export interface Known {
  attributes: Map<string, Record<string, string>>;
  exports: Map<string, string>;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Resolves CloudFormation's functions. @throws where one is unknown or names what is not there. */
export function resolved(value: unknown, known: Known): unknown {
  if (Array.isArray(value)) return value.map((item) => resolved(item, known));
  if (!isRecord(value)) return value;
  const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
  if (others.length > 0 || !(name === 'Ref' || name.startsWith('Fn::'))) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner, known)]));
  }
  const found = (what: string | undefined) => {
    if (what === undefined) throw new Error(`cannot resolve ${JSON.stringify(value)}`);
    return what;
  };
  if (name === 'Ref') return found(known.attributes.get(String(argument))?.Ref);
  if (name === 'Fn::GetAtt') {
    const [id, attribute] = z.tuple([z.string(), z.string()]).parse(argument);
    return found(known.attributes.get(id)?.[attribute]);
  }
  if (name === 'Fn::ImportValue') return found(known.exports.get(String(resolved(argument, known))));
  if (name === 'Fn::Join') {
    const [separator, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(argument);
    return parts.map((part) => String(resolved(part, known))).join(separator);
  }
  if (name === 'Fn::Split') {
    const [separator, text] = z.tuple([z.string(), z.unknown()]).parse(argument);
    return String(resolved(text, known)).split(separator);
  }
  if (name === 'Fn::Select') {
    const [index, list] = z.tuple([z.coerce.number(), z.unknown()]).parse(argument);
    return z.array(z.unknown()).parse(resolved(list, known))[index] ?? '';
  }
  if (name === 'Fn::Sub' && typeof argument === 'string') {
    return argument.replace(/\$\{([^}]+)\}/g, (_, ref: string) => found(known.attributes.get(ref)?.Ref));
  }
  throw new Error(`cannot resolve ${name}`);
}
