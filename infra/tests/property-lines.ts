/** Keys under which CloudFormation has a value made when it deploys. */
const intrinsic = ['Ref', 'Fn::GetAtt', 'Fn::ImportValue', 'Fn::Join', 'Fn::Select', 'Fn::Split', 'Fn::Sub'];

/** A logical id without the hash of its path. */
export const withoutHash = (id: string) => id.replace(/[0-9A-F]{8}$/, '');

/**
 * Text of a value with its references shown: `arn:<AWS::Partition>:s3:::acme-prod-lake-<AWS::AccountId>/raw/events/*`.
 * @param nameOf what a logical id is called there.
 */
export function shown(value: unknown, nameOf: (id: string) => string = (id) => id): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const inner = (of: unknown) => shown(of, nameOf);
  for (const [key, of] of Object.entries(value)) {
    if (key === 'Ref') return `<${nameOf(String(of))}>`;
    if (key === 'Fn::GetAtt' && Array.isArray(of)) return `<${[nameOf(String(of[0])), ...of.slice(1)].join('.')}>`;
    if (key === 'Fn::ImportValue') return `<${inner(of).replace(/^.*ExportsOutput(?:Ref|FnGetAtt)/, '')}>`;
    if (key === 'Fn::Join' && Array.isArray(of) && Array.isArray(of[1])) return of[1].map(inner).join(String(of[0]));
  }
  return JSON.stringify(value);
}

/** What a release changes by itself: names of assets are hashes of what is in them. */
const withoutAssets = (text: string) => text.replaceAll(/[0-9a-f]{64}/g, '(hash)');

function parsed(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A resource's properties, one a line, as a reviewer reads them: names in order, texts that are JSON written out, no hash that
 * changes with the code alone.
 */
export function propertyLines(properties: object, indent: string): string[] {
  return Object.entries(properties)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => linesOf(name, value, indent));
}

function linesOf(name: string, value: unknown, indent: string): string[] {
  const isMade = typeof value === 'object' && value !== null && intrinsic.some((key) => key in value);
  const text = typeof value !== 'object' || value === null || isMade ? shown(value, withoutHash) : undefined;
  const inner = text === undefined ? value : parsed(text);
  if (text !== undefined && (typeof inner !== 'object' || inner === null)) {
    return withoutAssets(text)
      .split('\n')
      .map((line, at) => (at === 0 ? `${indent}${name}: ${line}` : `${indent}  ${line}`));
  }
  if (Array.isArray(inner)) {
    if (inner.length === 0) return [`${indent}${name}: none`];
    return inner.flatMap((item, at) => linesOf(`${name}[${at}]`, item, indent));
  }
  return [`${indent}${name}:`, ...propertyLines(Object(inner), `${indent}  `)];
}
