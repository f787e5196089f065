import { createHash, createHmac, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { readSigned, sessionCookie, signSession, signText } from '#core/session';
import { createSignIn } from '#handlers/sign-in';

const host = 'd111111abcdef8.cloudfront.net';
const sessionKey = 'k'.repeat(64);

describe('what the site signs', () => {
  test('holds for its host and key, and not a letter changed', () => {
    const signed = signText(sessionKey, host, '123');
    expect(readSigned(sessionKey, host, signed)).toBe('123');
    expect(readSigned(sessionKey, 'other.example', signed)).toBeUndefined();
    expect(readSigned('x'.repeat(64), host, signed)).toBeUndefined();
    expect(readSigned(sessionKey, host, signed.replace('123', '124'))).toBeUndefined();
    for (const wrong of ['', '.', '123', '123.', `${signed}a`])
      expect(readSigned(sessionKey, host, wrong)).toBeUndefined();
  });
});

/** The function as CloudFront runs it: its own `require`, no other module, nothing of Node beside. */
async function edgeHandler(key: string) {
  const text = await readFile(new URL('../../infra/site/viewer-request.js', import.meta.url), 'utf8');
  const code = text.replace(/\{\{resolve:.*?\}\}/, key);
  expect(code).not.toBe(text);
  expect(Buffer.byteLength(code)).toBeLessThan(10_240);
  const require = createRequire(import.meta.url);
  const only = (name: string) => {
    if (name !== 'crypto') throw new Error(`CloudFront has no module ${name}`);
    return require(name);
  };
  const answer = z.looseObject({
    statusCode: z.number().optional(),
    uri: z.string().optional(),
    headers: z.record(z.string(), z.object({ value: z.string() })),
  });
  const handle: (event: unknown) => unknown = runInNewContext(`${code}\nhandler`, { require: only });
  return (uri: string, cookie?: string, headers: Record<string, { value: string }> = {}) =>
    answer.parse(
      JSON.parse(
        JSON.stringify(
          handle({
            request: {
              method: 'GET',
              uri,
              querystring: {},
              headers: { host: { value: host }, ...headers },
              cookies: cookie === undefined ? {} : { [sessionCookie]: { value: cookie } },
            },
          }),
        ),
      ),
    );
}

describe('the function at the edge', () => {
  const soon = Math.floor(Date.now() / 1000) + 60;

  test('sends whoever has no session, an old one or a forged one to sign in, with the way back', async () => {
    const handle = await edgeHandler(sessionKey);
    const signed = signSession(sessionKey, host, soon);
    const forged = [
      undefined,
      '',
      String(soon),
      `${soon}.`,
      signSession(sessionKey, host, soon - 120),
      signSession(sessionKey, 'other.example', soon),
      signSession('x'.repeat(64), host, soon),
      signed.replace(String(soon), String(soon + 9)),
      signText(sessionKey, host, 'Infinity'),
    ];
    for (const cookie of forged) {
      const { statusCode, headers } = handle('/channels/', cookie);
      expect(statusCode, cookie).toBe(302);
      expect(headers.location?.value).toBe('/auth/sign-in?to=%2Fchannels%2F');
      expect(headers['cache-control']?.value).toBe('no-store');
    }
  });

  test('lets whoever has a session through, to the page of a folder', async () => {
    const handle = await edgeHandler(sessionKey);
    const signed = signSession(sessionKey, host, soon);
    expect(handle('/', signed).uri).toBe('/index.html');
    expect(handle('/channels/', signed).uri).toBe('/channels/index.html');
    expect(handle('/channels', signed).uri).toBe('/channels/index.html');
    expect(handle('/_app/immutable/a.js', signed).uri).toBe('/_app/immutable/a.js');
  });

  test('tells the way to sign in which host was called, whatever a reader says', async () => {
    const handle = await edgeHandler(sessionKey);
    const { uri, headers } = handle('/auth/sign-in', undefined, { 'x-reader-host': { value: 'evil.example' } });
    expect(uri).toBe('/auth/sign-in');
    expect(headers['x-reader-host']?.value).toBe(host);
  });
});

/** A service that signs one reader in, as OpenID Connect has it: discovery, keys, a code for a challenge, a signed token. */
function openIssuer() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const codes = new Map<string, { nonce: string; challenge: string; redirect: string }>();
  let address = '';
  let nonceSent: string | undefined;
  const server: Server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', address);
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (url.pathname === '/.well-known/openid-configuration') {
      return json({
        issuer: address,
        authorization_endpoint: `${address}/authorize`,
        token_endpoint: `${address}/token`,
        jwks_uri: `${address}/keys`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        id_token_signing_alg_values_supported: ['RS256'],
        subject_types_supported: ['public'],
      });
    }
    if (url.pathname === '/keys')
      return json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] });
    if (url.pathname !== '/token') return json({}, 404);
    let text = '';
    for await (const part of request) text += part;
    const form = new URLSearchParams(text);
    const known = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (known === undefined || known.challenge !== challenge || known.redirect !== form.get('redirect_uri')) {
      return json({ error: 'invalid_grant' }, 400);
    }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const head = `${part({ alg: 'RS256', kid: 'one' })}.${part({
      iss: address,
      aud: 'percorso',
      sub: 'reader-1',
      nonce: nonceSent ?? known.nonce,
      iat: now,
      exp: now + 60,
    })}`;
    const signature = createSign('RSA-SHA256').update(head).sign(privateKey, 'base64url');
    return json({ access_token: 'x', token_type: 'Bearer', id_token: `${head}.${signature}` });
  });
  return {
    async listen() {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const bound = server.address();
      address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
      return address;
    },
    /** The reader has said who he is. @returns the query with which he comes back. */
    agree(authorize: URL): string {
      const asked = authorize.searchParams;
      const code = randomBytes(8).toString('hex');
      codes.set(code, {
        nonce: asked.get('nonce') ?? '',
        challenge: asked.get('code_challenge') ?? '',
        redirect: asked.get('redirect_uri') ?? '',
      });
      return new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString();
    },
    answerWithNonce(nonce: string | undefined) {
      nonceSent = nonce;
    },
    close: () => server.close(),
  };
}

describe('signing in', () => {
  const issuer = openIssuer();
  let signIn: ReturnType<typeof createSignIn>;
  let clock = new Date();
  const get = (path: string, query = '', cookies: string[] = []) =>
    signIn({ method: 'GET', path, query, host, cookies });
  /** What a browser sends back of what it was given. */
  const kept = (cookies: readonly string[]) => cookies.map((one) => one.split(';')[0] ?? '');

  async function begin(to: string) {
    const first = await get('/auth/sign-in', `to=${encodeURIComponent(to)}`);
    return { first, authorize: new URL(first.headers.location ?? '') };
  }

  beforeAll(async () => {
    signIn = createSignIn({
      issuer: await issuer.listen(),
      clientId: 'percorso',
      sessionKey,
      now: () => clock,
      allowsPlainHttp: true,
    });
  });
  afterAll(() => issuer.close());

  test('leads to the service and back to the page, with a session that the edge believes', async () => {
    const { first, authorize } = await begin('/channels/');
    expect(first.statusCode).toBe(302);
    expect(Object.fromEntries(authorize.searchParams)).toMatchObject({
      client_id: 'percorso',
      redirect_uri: `https://${host}/auth/done`,
      response_type: 'code',
      scope: 'openid',
      code_challenge_method: 'S256',
    });
    expect(first.cookies[0]).toMatch(/; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/);
    const done = await get('/auth/done', issuer.agree(authorize), kept(first.cookies));
    expect(done).toMatchObject({ statusCode: 302, headers: { location: '/channels/' } });
    const session = done.cookies.find((one) => one.startsWith(`${sessionCookie}=`)) ?? '';
    expect(session).toMatch(/; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=28800$/);
    const handle = await edgeHandler(sessionKey);
    expect(handle('/', session.slice(sessionCookie.length + 1).split(';')[0]).uri).toBe('/index.html');
    // Nothing says who it is.
    expect(JSON.stringify(done)).not.toContain('reader-1');
  });

  test('is refused with another’s state, a code of another sign-in, a token for another nonce, or too late', async () => {
    const one = await begin('/');
    const two = await begin('/');
    expect(await get('/auth/done', issuer.agree(one.authorize), [])).toMatchObject({ statusCode: 403 });
    await expect(get('/auth/done', issuer.agree(one.authorize), kept(two.first.cookies))).rejects.toThrow();
    const swapped = new URLSearchParams(issuer.agree(one.authorize));
    swapped.set('state', two.authorize.searchParams.get('state') ?? '');
    await expect(get('/auth/done', swapped.toString(), kept(two.first.cookies))).rejects.toThrow();
    issuer.answerWithNonce('another');
    await expect(get('/auth/done', issuer.agree(one.authorize), kept(one.first.cookies))).rejects.toThrow();
    issuer.answerWithNonce(undefined);
    const refused = `error=access_denied&state=${one.authorize.searchParams.get('state')}`;
    expect(await get('/auth/done', refused, kept(one.first.cookies))).toMatchObject({ statusCode: 403 });
    clock = new Date(Date.now() + 601_000);
    expect(await get('/auth/done', issuer.agree(two.authorize), kept(two.first.cookies))).toMatchObject({
      statusCode: 403,
    });
    clock = new Date();
  });

  test('leads back to pages of this site alone', async () => {
    for (const to of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      '/auth/sign-out',
      '/a\nb',
    ]) {
      const { first, authorize } = await begin(to);
      const done = await get('/auth/done', issuer.agree(authorize), kept(first.cookies));
      expect(done.headers.location, to).toBe('/');
    }
  });

  test('ends the session here, and knows no other way', async () => {
    expect((await get('/auth/sign-out')).cookies[0]).toMatch(/^__Host-percorso=; .*Max-Age=0$/);
    expect(await get('/auth/other')).toMatchObject({ statusCode: 404 });
    expect(await signIn({ method: 'POST', path: '/auth/done', query: '', host, cookies: [] })).toMatchObject({
      statusCode: 405,
    });
  });

  test('a signature of the site’s key is HMAC-SHA-256 of host and text', () => {
    const right = createHmac('sha256', sessionKey).update(`${host} 42`).digest('base64url');
    expect(signSession(sessionKey, host, 42)).toBe(`42.${right}`);
  });
});
