import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEnvironmentSecrets } from '#adapters/environment-secrets';
import { changeManagedSecret, createManagedSecrets } from '#adapters/managed-secrets';
import type { Secrets } from '#core/ports';

/** The two calls of Secrets Manager that are made, by its protocol (AWS JSON 1.1). */
const kept = new Map<string, string>();
let server: Server;
let client: SecretsManagerClient;

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const asked: unknown = JSON.parse(Buffer.concat(parts).toString());
      const id = typeof asked === 'object' && asked !== null && 'SecretId' in asked ? String(asked.SecretId) : '';
      const target = request.headers['x-amz-target'];
      if (target === 'secretsmanager.PutSecretValue' && kept.has(id)) {
        kept.set(
          id,
          typeof asked === 'object' && asked !== null && 'SecretString' in asked ? `${asked.SecretString}` : '',
        );
      }
      const value = /\.(?:Get|Put)SecretValue$/.test(String(target)) ? kept.get(id) : undefined;
      response.writeHead(value === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
      const answer =
        value === undefined
          ? { __type: 'ResourceNotFoundException', Message: `no secret ${id}` }
          : { Name: id, SecretString: value };
      response.end(JSON.stringify(answer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  client = new SecretsManagerClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-south-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
afterAll(() => {
  client.destroy();
  server.close();
});

const environment: Record<string, string | undefined> = {};
const adapters: Record<string, { secrets: () => Secrets; set(name: string, value: string): void }> = {
  'the environment': {
    secrets: () => createEnvironmentSecrets(environment),
    set: (name, value) => {
      environment[name] = value;
    },
  },
  'Secrets Manager': {
    secrets: () => createManagedSecrets(['acme/identifier-key', 'acme/senders'], client),
    set: (name, value) => {
      const id = name === 'PERCORSO_IDENTIFIER_KEY' ? 'acme/identifier-key' : 'acme/senders';
      kept.set(id, JSON.stringify({ ...JSON.parse(kept.get(id) ?? '{}'), [name]: value }));
    },
  },
};

describe.each(Object.entries(adapters))('every Secrets: %s', (_, { secrets, set }) => {
  it('gives each secret by its name, and a new value at the next reading', async () => {
    set('PERCORSO_IDENTIFIER_KEY', 'ab'.repeat(32));
    set('KEY_SHOP', 'one');
    set('KEY_SITE', 'due "quoted" è');
    const opened = secrets();
    expect(await opened.read()).toMatchObject({
      PERCORSO_IDENTIFIER_KEY: 'ab'.repeat(32),
      KEY_SHOP: 'one',
      KEY_SITE: 'due "quoted" è',
    });
    set('KEY_SHOP', 'two');
    expect(await opened.read()).toMatchObject({ KEY_SHOP: 'two', KEY_SITE: 'due "quoted" è' });
  });
});

describe('Secrets Manager', () => {
  it('says which secret is no JSON of texts, and not what it holds', async () => {
    kept.set('acme/bad', 'hunter2');
    kept.set('acme/nested', '{"KEY":{"inner":"hunter2"}}');
    for (const id of ['acme/bad', 'acme/nested']) {
      const failure = createManagedSecrets([id], client).read();
      await expect(failure).rejects.toThrow(`the secret ${id} is no JSON object of texts`);
      await expect(failure).rejects.not.toThrow('hunter2');
    }
  });

  it('changes one name of a secret and leaves the others; a name that is not there is none to change', async () => {
    kept.set('acme/changed', '{"KEY":"one","OTHER":"two"}');
    expect(await changeManagedSecret('acme/changed', 'KEY', (value) => `${value},more`, client)).toBe('one,more');
    expect(JSON.parse(kept.get('acme/changed') ?? '')).toEqual({ KEY: 'one,more', OTHER: 'two' });
    const failure = changeManagedSecret('acme/changed', 'NONE', () => 'x', client);
    await expect(failure).rejects.toThrow('the secret acme/changed has no NONE');
  });

  it('fails where a secret is missing', async () => {
    await expect(createManagedSecrets(['acme/none'], client).read()).rejects.toThrow('no secret acme/none');
  });
});
