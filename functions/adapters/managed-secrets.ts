import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import type { Secrets } from '#core/ports';

const named = z.record(z.string(), z.string());

/**
 * Secrets in AWS Secrets Manager: each is a JSON object of texts by name, and together they are one. They are asked for
 * at each reading, so that a new value holds without a deployment.
 */
export function createManagedSecrets(
  ids: readonly string[],
  client: SecretsManagerClient = new SecretsManagerClient({}),
): Secrets {
  return {
    async read() {
      return Object.assign({}, ...(await Promise.all(ids.map((id) => readOne(id, client)))));
    },
  };
}

async function readOne(id: string, client: SecretsManagerClient): Promise<Record<string, string>> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: id }));
  try {
    return named.parse(JSON.parse(SecretString));
  } catch {
    // The parser's own message would show the value.
    throw new PercorsoError(`the secret ${id} is no JSON object of texts`, {
      mend: 'write it as {"NAME": "value"}, each name as the configuration has it',
    });
  }
}

/**
 * Gives a secret of Secrets Manager a new version, in which one name has another value and all others have theirs. One at a
 * time: the caller sees to it.
 * @returns the new value. @throws PercorsoError where the secret has no such name.
 */
export async function changeManagedSecret(
  id: string,
  name: string,
  change: (value: string) => string,
  client: SecretsManagerClient,
): Promise<string> {
  const values = await readOne(id, client);
  const { [name]: value = '' } = values;
  if (value === '') {
    throw new PercorsoError(`the secret ${id} has no ${name}`, { mend: 'write it as {"NAME": "value"}' });
  }
  const changed = change(value);
  const SecretString = JSON.stringify({ ...values, [name]: changed });
  await client.send(new PutSecretValueCommand({ SecretId: id, SecretString }));
  return changed;
}
