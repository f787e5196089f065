import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import * as z from 'zod';
import { createManagedSecrets } from '#adapters/managed-secrets';
import { variable } from './lambda-company.ts';
import { causeOf, log } from './lambda-log.ts';
import { createSignIn } from './sign-in.ts';

/** Who signs readers in, as the stack writes it once the user pool's client is there. */
const service = z.object({ issuer: z.url(), clientId: z.string(), clientSecretName: z.string().optional() });

async function open() {
  const [{ Parameter }, secrets] = await Promise.all([
    new SSMClient({}).send(new GetParameterCommand({ Name: variable(process.env, 'SIGN_IN_PARAMETER') })),
    createManagedSecrets(variable(process.env, 'SECRET_IDS').split(' ')).read(),
  ]);
  const { issuer, clientId, clientSecretName } = service.parse(JSON.parse(Parameter?.Value ?? ''));
  const clientSecret = clientSecretName === undefined ? undefined : variable(secrets, clientSecretName);
  return createSignIn({
    issuer,
    clientId,
    sessionKey: variable(secrets, 'SESSION_KEY'),
    ...(clientSecret === undefined ? {} : { clientSecret }),
  });
}

let opened: ReturnType<typeof open> | undefined;

/** Signs readers of the dashboards in. Called by CloudFront alone, which says what host the reader called. */
export async function handler(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  try {
    opened ??= open();
    const signIn = await opened;
    const answer = await signIn({
      method: event.requestContext.http.method,
      path: event.rawPath,
      query: event.rawQueryString,
      host: event.headers['x-reader-host'] ?? '',
      cookies: event.cookies ?? [],
    });
    log('info', 'sign_in', { path: event.rawPath, status: answer.statusCode });
    return answer;
  } catch (error) {
    opened = undefined;
    log('error', 'sign_in_failed', causeOf(error));
    const headers = { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' };
    return { statusCode: 502, headers, body: 'Signing in does not work just now. Try again in a minute.\n' };
  }
}
