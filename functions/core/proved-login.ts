import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SourceConfig } from '#core/config';
import { isRecord } from '#core/row-reading';

/** Whether the sender of a browser's event may say that this user is logged in. */
export type LoginCheck = (userId: string, proof: unknown) => boolean;

/** What a page shows as proof of its `userId`: HMAC-SHA256 of it under the source's secret, 64 hex digits. */
export function loginProof(secret: string, userId: string): string {
  return createHmac('sha256', secret).update(userId).digest('hex');
}

/**
 * How the logins of a browser source are judged (docs/collect.md). Where the variable of the secret is not set, no login is
 * proved: what a page says of itself then never ties its cookie to a user.
 * @returns undefined where a page's word is believed.
 */
export function loginCheckOf(
  source: SourceConfig | undefined,
  env: Record<string, string | undefined>,
): LoginCheck | undefined {
  if (source === undefined || source.kind !== 'browser') return undefined;
  const { loginSecretEnv } = source;
  const logins = source.logins ?? (loginSecretEnv === undefined ? 'believed' : 'proved');
  if (logins === 'believed') return undefined;
  const secret = loginSecretEnv === undefined ? undefined : env[loginSecretEnv]?.trim();
  return (userId, proof) => {
    if (!secret || typeof proof !== 'string') return false;
    const wanted = Buffer.from(loginProof(secret, userId));
    const given = Buffer.from(proof.trim().toLowerCase());
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  };
}

type Judged =
  | { ok: true; event: Record<string, unknown> }
  | { ok: false; reason: string; message: string; column?: string };

/**
 * The event without a `user_id` that is not proved, so that it is its cookie's alone; one that has no cookie either says
 * nothing of anybody. The proof itself is nobody's to keep.
 */
export function withProvedLogin(event: Record<string, unknown>, check: LoginCheck | undefined): Judged {
  const { user_hash: proof, ...rest } = event;
  const { user_id, ...others } = isRecord(rest.identifiers) ? rest.identifiers : {};
  const isNamed = user_id !== undefined && user_id !== null && user_id !== '';
  if (check === undefined || !isNamed || check(String(user_id), proof)) return { ok: true, event: rest };
  const hasCookie = others.anonymous_id !== undefined && others.anonymous_id !== null && others.anonymous_id !== '';
  if (!hasCookie) {
    return {
      ok: false,
      reason: 'unproven-login',
      message: 'identifiers.user_id: not proved by user_hash, and there is no anonymous_id',
      column: 'identifiers.user_id',
    };
  }
  return { ok: true, event: { ...rest, identifiers: others } };
}
