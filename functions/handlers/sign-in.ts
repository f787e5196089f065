import * as oidc from 'openid-client';
import * as z from 'zod';
import type { Clock } from '#core/ports';
import { readSigned, sessionCookie, signSession, signText } from '#core/session';

export interface SignInOptions {
  /** Who knows the readers: a user pool of Cognito, or the firm's own service. */
  issuer: string;
  clientId: string;
  clientSecret?: string;
  /** The key of the site's cookies. */
  sessionKey: string;
  now?: Clock;
  /** Only tests speak to an issuer without TLS. */
  allowsPlainHttp?: boolean;
}

export interface SignInRequest {
  method: string;
  path: string;
  query: string;
  /** The host that the reader called, which CloudFront takes from the request itself. */
  host: string;
  cookies: readonly string[];
}

export interface SignInAnswer {
  statusCode: number;
  headers: Record<string, string>;
  cookies: string[];
  body: string;
}

/** A reader signs in once a working day. */
const sessionSeconds = 8 * 3600;
/** From the site to the issuer and back. */
const waitSeconds = 600;
const waitCookie = '__Host-percorso-wait';
const waiting = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  to: z.string(),
  until: z.number(),
});

const plain = { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' };
const cookie = (name: string, value: string, seconds: number) =>
  `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${seconds}`;

/**
 * The code flow of OpenID Connect with PKCE: `/auth/sign-in` sends a reader to the issuer, `/auth/done` is where he comes back,
 * `/auth/sign-out` ends the session here. Nothing of who he is is kept, in a cookie or in a log.
 */
export function createSignIn(options: SignInOptions): (request: SignInRequest) => Promise<SignInAnswer> {
  const { issuer, clientId, clientSecret, sessionKey, allowsPlainHttp = false } = options;
  const now = options.now ?? (() => new Date());
  const seconds = () => Math.floor(now().getTime() / 1000);
  let discovered: Promise<oidc.Configuration> | undefined;

  const discover = async () => {
    discovered ??= oidc.discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientSecret === undefined ? oidc.None() : oidc.ClientSecretPost(clientSecret),
      allowsPlainHttp ? { execute: [oidc.allowInsecureRequests] } : {},
    );
    try {
      return await discovered;
    } catch (error) {
      // The next reader asks again.
      discovered = undefined;
      throw error;
    }
  };

  async function begin({ host, query }: SignInRequest): Promise<SignInAnswer> {
    const configuration = await discover();
    const verifier = oidc.randomPKCECodeVerifier();
    const wait = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier,
      to: ownPath(query),
      until: seconds() + waitSeconds,
    };
    const location = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: `https://${host}/auth/done`,
      scope: 'openid',
      state: wait.state,
      nonce: wait.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const kept = signText(sessionKey, host, Buffer.from(JSON.stringify(wait)).toString('base64url'));
    return {
      statusCode: 302,
      headers: { ...plain, location: location.href },
      cookies: [cookie(waitCookie, kept, waitSeconds)],
      body: '',
    };
  }

  async function end({ host, query, cookies }: SignInRequest): Promise<SignInAnswer> {
    const wait = readWait(cookies, host);
    if (wait === undefined || wait.until < seconds()) return refused('This took too long. Open the dashboards again.');
    try {
      const tokens = await oidc.authorizationCodeGrant(
        await discover(),
        new URL(`https://${host}/auth/done?${query}`),
        {
          pkceCodeVerifier: wait.verifier,
          expectedState: wait.state,
          expectedNonce: wait.nonce,
          idTokenExpected: true,
        },
      );
      if (tokens.claims() === undefined) return refused('The sign-in service did not say who signed in.');
    } catch (error) {
      if (error instanceof oidc.AuthorizationResponseError) return refused('The sign-in service refused.');
      throw error;
    }
    return {
      statusCode: 302,
      headers: { ...plain, location: wait.to },
      cookies: [
        cookie(sessionCookie, signSession(sessionKey, host, seconds() + sessionSeconds), sessionSeconds),
        cookie(waitCookie, '', 0),
      ],
      body: '',
    };
  }

  function readWait(cookies: readonly string[], host: string): z.output<typeof waiting> | undefined {
    const value = cookies.find((one) => one.startsWith(`${waitCookie}=`))?.slice(waitCookie.length + 1);
    const text = value === undefined ? undefined : readSigned(sessionKey, host, value);
    if (text === undefined) return undefined;
    return waiting.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString())).data;
  }

  return async (request) => {
    if (request.method !== 'GET')
      return { statusCode: 405, headers: { ...plain, allow: 'GET' }, cookies: [], body: '' };
    if (request.path === '/auth/sign-in') return begin(request);
    if (request.path === '/auth/done') return end(request);
    if (request.path === '/auth/sign-out') {
      return { statusCode: 200, headers: plain, cookies: [cookie(sessionCookie, '', 0)], body: 'Signed out.\n' };
    }
    return { statusCode: 404, headers: plain, cookies: [], body: 'Not found / Non trovato\n' };
  };
}

const refused = (body: string): SignInAnswer => ({
  statusCode: 403,
  headers: plain,
  cookies: [cookie(waitCookie, '', 0)],
  body: `${body}\n`,
});

/** Where the reader wanted to go: a path of this site, and nowhere else. */
function ownPath(query: string): string {
  const to = new URLSearchParams(query).get('to') ?? '/';
  return /^\/(?![/\\])[\w\-./~%]*$/.test(to) && !to.startsWith('/auth/') ? to : '/';
}
