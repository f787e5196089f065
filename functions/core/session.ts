import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Who has signed in to the dashboards brings this cookie: until when it holds, and that the site's key has said so. Nobody is
 * named in it. infra/site/viewer-request.js reads it at the edge, in the few words that CloudFront knows.
 */
export const sessionCookie = '__Host-percorso';

const signatureOf = (key: string, host: string, text: string) =>
  createHmac('sha256', key).update(`${host} ${text}`).digest('base64url');

/** A text that only the site's key can have signed, for one host. */
export function signText(key: string, host: string, text: string): string {
  return `${text}.${signatureOf(key, host, text)}`;
}

/** What was signed; undefined where it was not, or for another host. */
export function readSigned(key: string, host: string, signed: string): string | undefined {
  const at = signed.lastIndexOf('.');
  const text = signed.slice(0, Math.max(0, at));
  const [given, right] = [signed.slice(at + 1), signatureOf(key, host, text)].map((one) => Buffer.from(one));
  if (given === undefined || right === undefined || given.length !== right.length) return undefined;
  return timingSafeEqual(given, right) ? text : undefined;
}

/** @param until seconds since 1970. */
export function signSession(key: string, host: string, until: number): string {
  return signText(key, host, String(until));
}
