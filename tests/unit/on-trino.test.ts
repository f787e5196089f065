import { describe, expect, test } from 'vitest';
import { addressOf } from '#cli/on-trino';
import type { ConfigInput } from '#core/config';
import { parseConfig } from '#core/settings';

const least = { url: 'https://trino.acme.it', bucket: 'acme-lake' };
const trinoOf = (given: ConfigInput['trino']) => {
  const { trino } = parseConfig({ name: 'Acme', trino: given }, 'percorso.config.ts');
  if (trino === undefined) throw new Error('no trino');
  return trino;
};

describe('the setting trino', () => {
  test('wants an address and a bucket, and has defaults for the rest', () => {
    expect(trinoOf(least)).toEqual({
      ...least,
      user: 'percorso',
      catalog: 'iceberg',
      filesCatalog: 'hive',
      schema: 'percorso',
      region: 'us-east-1',
      statementsAtOnce: 4,
    });
    expect(parseConfig({ name: 'Acme' }, 'percorso.config.ts').trino).toBeUndefined();
  });

  test.each([
    [{ bucket: 'acme-lake' }, /trino\.url/],
    [{ url: 'https://trino.acme.it' }, /trino\.bucket/],
    [{ ...least, url: 'trino.acme.it' }, /trino\.url.*an address such as "https:\/\/trino\.acme\.it"/],
    [{ ...least, bucket: 'Acme_Lake' }, /trino\.bucket is "Acme_Lake": .*as buckets are named/],
    [{ ...least, endpoint: 'minio:9000' }, /trino\.endpoint is "minio:9000": an address such as/],
    [{ ...least, schema: 'Percorso-1' }, /trino\.schema is "Percorso-1": lower case, digits and _/],
    [{ ...least, passwordEnv: 'hunter2' }, /trino\.passwordEnv is "hunter2": the name of an environment variable/],
    [
      { ...least, passwordEnv: 'A', tokenEnv: 'B' },
      /trino\.tokenEnv is "B": .*leave one of passwordEnv and tokenEnv out/,
    ],
    [{ ...least, url: 'http://trino', passwordEnv: 'A' }, /trino\.url is "http:\/\/trino": .*over https alone/],
    [{ ...least, filesCatalog: 'iceberg' }, /trino\.filesCatalog is "iceberg": tables and files need two catalogs/],
    [{ ...least, password: 'x' }, /trino\.password: no such setting; known here: url, user, passwordEnv/],
  ])('%j is refused', (given, message) => {
    expect(() => trinoOf(given as never)).toThrow(message);
  });
});

describe('who asks Trino', () => {
  test('shows a password, a token or nothing, as the variables named have it', () => {
    const asked = { url: 'https://trino.acme.it', user: 'percorso', catalog: 'iceberg', schema: 'percorso' };
    expect(addressOf(trinoOf({ ...least, url: 'https://trino.acme.it/' }), {})).toEqual(asked);
    expect(addressOf(trinoOf({ ...least, user: 'anna', passwordEnv: 'PW' }), { PW: 'a:b' })).toEqual({
      ...asked,
      user: 'anna',
      authorization: `Basic ${Buffer.from('anna:a:b').toString('base64')}`,
    });
    expect(addressOf(trinoOf({ ...least, tokenEnv: 'TOKEN' }), { TOKEN: 'eyJ' }).authorization).toBe('Bearer eyJ');
  });

  test('is told of a variable that is not set', () => {
    expect(() => addressOf(trinoOf({ ...least, user: 'anna', passwordEnv: 'PW' }), {})).toThrow(
      'PW is not set: it holds the password of the user "anna" of Trino',
    );
    expect(() => addressOf(trinoOf({ ...least, tokenEnv: 'TOKEN' }), { TOKEN: '' })).toThrow('TOKEN is not set');
  });
});
