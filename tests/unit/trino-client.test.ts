import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runOnTrino } from '#adapters/trino-client';

/** What the engine says to one statement after the other. */
let answers: object[] = [];
let asked = 0;
let status = 200;
const server = createServer((_, response) => {
  asked += 1;
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answers.shift() ?? { id: 'none' }));
});
const address = () => ({
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  catalog: 'memory',
  schema: 'default',
});
const failed = (errorName: string, errorType: string) => ({
  id: 'q',
  error: { message: `it was ${errorName}`, errorName, errorType },
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.close();
});

test('an engine that has no node yet is waited for', async () => {
  asked = 0;
  answers = [
    failed('NO_NODES_AVAILABLE', 'INSUFFICIENT_RESOURCES'),
    { id: 'q', columns: [{ name: 'one', type: 'integer' }], data: [[1]] },
  ];
  expect((await runOnTrino(address(), 'select 1 as one')).rows).toEqual([[1]]);
  expect(asked).toBe(2);
});

test('what failed for another reason is not run again', async () => {
  asked = 0;
  answers = [failed('SYNTAX_ERROR', 'USER_ERROR'), { id: 'q' }];
  await expect(runOnTrino(address(), 'selekt')).rejects.toMatchObject({
    errorName: 'SYNTAX_ERROR',
    isOfStatement: true,
  });
  expect(asked).toBe(1);
});

test('a user that is refused is said, and is not tried again', async () => {
  asked = 0;
  status = 401;
  await expect(runOnTrino({ ...address(), user: 'anna' }, 'select 1')).rejects.toMatchObject({
    message: 'Trino refuses the user "anna" (HTTP 401)',
    mend: expect.stringContaining('password'),
  });
  status = 200;
  expect(asked).toBe(1);
});

test('a password goes to no address without https, also where the engine names it', async () => {
  asked = 0;
  const secret = { ...address(), authorization: 'Basic x' };
  await expect(runOnTrino(secret, 'select 1')).rejects.toMatchObject({
    message: expect.stringContaining('a password or a token would go to http://127.0.0.1'),
    mend: expect.stringContaining('http-server.process-forwarded'),
  });
  expect(asked).toBe(0);
});

test('an engine that does not answer is named', async () => {
  await expect(runOnTrino({ ...address(), url: 'http://127.0.0.1:9' }, 'select 1')).rejects.toMatchObject({
    message: expect.stringContaining('http://127.0.0.1:9 does not answer'),
    isOfStatement: false,
  });
});
