import { isoDay, localIso } from '#pipeline/demo/calendar';
import { amount, csvLine } from '#pipeline/demo/export-text';
import type { AgentVisit, CrmContact, Deal, Recommendation } from '#pipeline/demo/facts';

/** One full export of all contacts; deals, activities and recommendations are exported by the year. */
export const contactHeader = csvLine([
  'Contact ID',
  'Created',
  'Updated',
  'Type',
  'Email',
  'Phone',
  'Loyalty card',
  'Web account',
  'Birth date',
  'Customer since',
  'Origin',
  'Newsletter',
  'Province',
  'Friend code',
  'Web visitor',
]);

export function contactLine(contact: CrmContact): string {
  const { person } = contact;
  return csvLine([
    contact.crmId,
    localIso(contact.createdDay, contact.createdSecond),
    localIso(contact.updatedDay, 20 * 3600),
    person.kind === 'trade' ? 'Azienda' : 'Privato',
    person.draw('e-mail in CRM') < 0.95 ? person.email : '',
    person.draw('telephone in CRM') < 0.96 ? person.phone : '',
    contact.card,
    contact.userId,
    person.birthDay,
    contact.customerSince === undefined ? '' : isoDay(contact.customerSince),
    contact.origin,
    contact.newsletter ? 'yes' : 'no',
    person.province,
    contact.friendCode,
    contact.webVisitor,
  ]);
}

export const dealHeader = csvLine(['Deal ID', 'Contact ID', 'Created', 'Closed', 'Stage', 'Amount', 'Order ID']);

export function dealLine(deal: Deal): string {
  const { closed } = deal;
  return csvLine([
    deal.id,
    deal.crmId,
    localIso(deal.day, deal.second),
    closed === undefined ? '' : localIso(closed.day, closed.second),
    closed === undefined ? 'open' : closed.won ? 'won' : 'lost',
    amount(deal.amount),
    closed?.orderId,
  ]);
}

export const activityHeader = csvLine(['Activity ID', 'Contact ID', 'Date', 'Kind', 'Agent']);

export function activityLine(visit: AgentVisit): string {
  return csvLine([visit.id, visit.crmId, localIso(visit.day, visit.second), 'visita', 'agente 01']);
}

export const recommendationHeader = csvLine(['Code', 'Contact ID', 'Date']);

export function recommendationLine(recommendation: Recommendation): string {
  return csvLine([recommendation.id, recommendation.crmId, localIso(recommendation.day, recommendation.second)]);
}
