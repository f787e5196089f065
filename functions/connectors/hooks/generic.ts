import { createHmac } from 'node:crypto';
import { type HookConnector, type HookRecord, isEqual, jsonBody, signatureLifeMs } from './hook-connector.ts';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `t=<unix seconds>,v1=<hex>`; several v1 while a secret is being changed. */
function parseSignature(header: string): { time: string; signatures: string[] } | undefined {
  const parts = header.split(',').map((part) => part.trim());
  const time = parts.find((part) => /^t=\d{1,12}$/.test(part))?.slice(2);
  const signatures = parts.filter((part) => /^v1=[0-9a-f]{64}$/.test(part)).map((part) => part.slice(3));
  return time === undefined || signatures.length === 0 ? undefined : { time, signatures: signatures.slice(0, 5) };
}

/** Any system that can sign: canonical events or costs, as they go in (docs/interface.md). */
export const generic: HookConnector = {
  name: 'generic',
  verify({ body, header }, secret, now) {
    const given = parseSignature(header('x-percorso-signature') ?? '');
    const expected = createHmac('sha256', secret)
      .update(`${given?.time ?? ''}.`)
      .update(body)
      .digest('hex');
    const isRight = (given?.signatures ?? ['']).map((signature) => isEqual(signature, expected)).includes(true);
    if (given === undefined || !isRight) return 'wrong';
    return Math.abs(now.getTime() - Number(given.time) * 1000) > signatureLifeMs ? 'old' : 'right';
  },
  records(_, text) {
    const body = jsonBody(text);
    if ('problem' in body) return body;
    const { value } = body;
    const list: unknown[] = Array.isArray(value)
      ? value
      : isRecord(value) && Array.isArray(value.batch)
        ? value.batch
        : [value];
    return list.map((record): HookRecord => {
      const isCost = isRecord(record) && record.cost_date !== undefined && record.event_type === undefined;
      return { topic: isCost ? 'cost' : 'event', body: record };
    });
  },
  read({ topic, body }, { source }) {
    if (!isRecord(body)) {
      return { ok: false, reason: 'wrong-value', message: 'a record is an object with named fields' };
    }
    // The secret alone says whose a record is, so that no source can take another's ids.
    if (body.source !== undefined && body.source !== null && body.source !== source) {
      return {
        ok: false,
        reason: 'wrong-source',
        message: `source: this address takes what "${source}" says`,
        column: 'source',
      };
    }
    const named = { ...body, source };
    return topic === 'cost' ? { ok: true, costs: [named] } : { ok: true, events: [named] };
  },
};
