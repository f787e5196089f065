import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
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
  async function one(id: string): Promise<Record<string, string>> {
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
  return {
    async read() {
      return Object.assign({}, ...(await Promise.all(ids.map(one))));
    },
  };
}
