import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';

/** One HTTP call of a vendor, as it came. */
export interface HookCall {
  /** The raw bytes: signatures are made over them, before any decoding. */
  body: Uint8Array;
  method: string;
  /** The addresses under which the sender may know this door, for vendors that sign theirs. The likeliest first. */
  urls: readonly string[];
  header(name: string): string | undefined;
}

/** `old`: rightly signed, but too long ago, so that a call which somebody recorded cannot be played again. */
export type Verdict = 'right' | 'wrong' | 'old';

/** One record of a call: it stands or falls for itself. */
export interface HookRecord {
  /** What the vendor calls it: `orders/create`, `contact.creation`, ... A replay reads the record by it. */
  topic: string;
  body: unknown;
}

export interface HookContext {
  /** The company's name of the source: it comes from the address called and its secret, never from the body. */
  source: string;
  receivedAt: Date;
  /** What the configuration says of the source's amounts. */
  amounts: { gross: boolean; shippingIncluded: boolean };
}

/** What a record says. No events and no costs: it tells of nothing that counts (a call that rings, a test order). */
export type HookRead =
  | { ok: true; events?: Record<string, unknown>[]; costs?: Record<string, unknown>[] }
  | { ok: false; reason: string; message: string; column?: string };

/** A vendor's web hook. Pure: it touches neither clock, disk nor network. */
export interface HookConnector {
  name: string;
  /** Whether `secret` signed these bytes. Takes equally long for every wrong signature. */
  verify(call: HookCall, secret: string, now: Date): Verdict;
  /** A call without signature by which the vendor tries whether anybody answers. It takes nothing in. */
  isPing?(call: HookCall): boolean;
  /** The records of a body that was verified, or what is wrong with the whole. `text` is the body, decoded and inflated. */
  records(call: HookCall, text: string): HookRecord[] | { problem: string };
  read(record: HookRecord, context: HookContext): HookRead;
}

/** Whether two texts are equal, in a time that says nothing of where they differ. */
export function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** How old a signature may be, and how far a sender's clock may be ahead, where the vendor signs the time. */
export const signatureLifeMs = 5 * 60 * 1000;

/** A JSON body as one record of a topic. */
export function jsonBody(text: string): { value: unknown } | { problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return { problem: 'the body is not JSON' };
  }
}

/** A field that only decorates: of an unexpected form it is left out, and is no reason to refuse the record. */
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish().catch(undefined);
export const words = optional(z.string());

/** Why a record has not the vendor's shape. */
export function unreadable(error: z.ZodError, input: unknown): HookRead {
  const issue = error.issues[0];
  const column = issue?.path.map(String).join('.') ?? '';
  let present: unknown = input;
  for (const step of issue?.path ?? []) {
    present =
      typeof present === 'object' && present !== null
        ? Object.entries(present).find(([name]) => name === String(step))?.[1]
        : undefined;
  }
  if (column !== '' && (present === undefined || present === null)) {
    return { ok: false, reason: 'missing-field', message: `${column} is missing`, column };
  }
  return {
    ok: false,
    reason: 'wrong-value',
    message: column === '' ? 'a record is an object with named fields' : `${column}: ${issue?.message}`,
    ...(column === '' ? {} : { column }),
  };
}
