import { createHmac } from 'node:crypto';
import * as z from 'zod';
import {
  type HookConnector,
  type HookContext,
  type HookRead,
  isEqual,
  jsonBody,
  optional,
  signatureLifeMs,
  unreadable,
  words,
} from './hook-connector.ts';

const id = z.union([z.string().min(1), z.number().int()]);
const notification = z.looseObject({
  eventId: id,
  subscriptionType: z.string(),
  objectId: optional(id),
  occurredAt: z.number().int().min(0).max(8_640_000_000_000_000),
  propertyName: words,
  propertyValue: optional(z.union([z.string(), z.number(), z.boolean()])),
  changeSource: words,
  associationType: words,
  fromObjectId: optional(id),
  toObjectId: optional(id),
  associationRemoved: optional(z.boolean()),
  isPrimaryAssociation: optional(z.boolean()),
});

// HubSpot signs the address with these characters decoded.
const decodedInAddress: Record<string, string> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
};

function decodedAddress(url: string): string {
  return url.replace(
    /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi,
    (code) => decodedInAddress[code.toUpperCase()] ?? code,
  );
}

const identifierOf: Record<string, 'email' | 'phone'> = {
  email: 'email',
  phone: 'phone',
  mobilephone: 'phone',
  hs_whatsapp_phone_number: 'phone',
};

function readNotification(body: unknown, context: HookContext): HookRead {
  const parsed = notification.safeParse(body);
  if (!parsed.success) return unreadable(parsed.error, body);
  const given = parsed.data;
  const [object, change] = given.subscriptionType.split('.');
  const isAssociation = change === 'associationChange';
  const objectId = isAssociation ? given.fromObjectId : given.objectId;
  if (object !== 'contact' && object !== 'deal') return { ok: true };
  if (objectId === undefined || objectId === null) {
    const column = isAssociation ? 'fromObjectId' : 'objectId';
    return { ok: false, reason: 'missing-field', message: `${column} is missing`, column };
  }
  const { propertyName: name, propertyValue: value } = given;
  const text = value === undefined || value === null ? '' : String(value);
  const base = {
    // HubSpot's event id alone is not unique; with the object and the time it is, and stays through its retries.
    event_id: [given.eventId, given.subscriptionType, objectId, name ?? '', given.occurredAt].join('-'),
    occurred_at: new Date(given.occurredAt).toISOString(),
    source: context.source,
    properties: {
      ...(name ? { [name]: text } : {}),
      ...(given.changeSource ? { change_source: given.changeSource } : {}),
    },
  };
  const one = (event_type: string, identifiers: Record<string, string>, more: object = {}): HookRead => ({
    ok: true,
    events: [{ ...base, event_type, identifiers, ...more }],
  });

  if (object === 'contact') {
    const crm_id = String(objectId);
    if (change === 'creation') return one('Identify', { crm_id });
    if (change !== 'propertyChange' || !name) return { ok: true };
    const kind = Object.hasOwn(identifierOf, name) ? identifierOf[name] : undefined;
    if (kind !== undefined) {
      // An identifier stands among the identifiers, not among what is kept of the contact.
      const properties = given.changeSource ? { change_source: given.changeSource } : {};
      return one('Identify', text === '' ? { crm_id } : { crm_id, [kind]: text }, { properties });
    }
    return one(name === 'lifecyclestage' && text === 'lead' ? 'Lead Created' : 'Identify', { crm_id });
  }

  // A deal's calls do not say whose it is, so it has a name of its own, which its primary contact then ties to a person.
  const anonymous_id = `hubspot-deal-${objectId}`;
  if (isAssociation) {
    const isWhose =
      given.associationType === 'DEAL_TO_CONTACT' &&
      given.isPrimaryAssociation === true &&
      given.associationRemoved !== true;
    if (!isWhose || given.toObjectId === undefined || given.toObjectId === null) return { ok: true };
    return one('Identify', { crm_id: String(given.toObjectId), anonymous_id });
  }
  if (change === 'creation') return one('Opportunity Created', { anonymous_id });
  if (change !== 'propertyChange' || !name) return { ok: true };
  const stage = name === 'dealstage' ? text.toLowerCase() : '';
  if (stage === 'closedwon') return one('Opportunity Won', { anonymous_id });
  if (stage === 'closedlost') return one('Opportunity Lost', { anonymous_id });
  return one('Opportunity Updated', { anonymous_id });
}

/** HubSpot's web hooks, signature version 3: https://developers.hubspot.com/docs/api/webhooks. */
export const hubspot: HookConnector = {
  name: 'hubspot',
  verify({ body, method, urls, header }, secret, now) {
    const signature = header('x-hubspot-signature-v3') ?? '';
    const timestamp = header('x-hubspot-request-timestamp') ?? '';
    let isRight = false;
    for (const url of new Set(urls.flatMap((address) => [address, decodedAddress(address)]))) {
      const expected = createHmac('sha256', secret).update(method).update(url).update(body).update(timestamp);
      if (isEqual(signature, expected.digest('base64'))) isRight = true;
    }
    if (!isRight || !/^\d{1,15}$/.test(timestamp)) return 'wrong';
    return Math.abs(now.getTime() - Number(timestamp)) > signatureLifeMs ? 'old' : 'right';
  },
  records(_, text) {
    const body = jsonBody(text);
    if ('problem' in body) return body;
    const list: unknown[] = Array.isArray(body.value) ? body.value : [body.value];
    return list.map((record) => ({ topic: 'notification', body: record }));
  },
  read: ({ body }, context) => readNotification(body, context),
};
