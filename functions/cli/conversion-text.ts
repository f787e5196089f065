import type { ExplainedConversion, ModelCredit } from '#pipeline/reading/explain-conversion';
import { formatTable } from './output.ts';

const types = {
  en: {
    lead: 'lead',
    opportunity: 'opportunity',
    first_order: 'first order',
    repeat_order: 'repeat order',
    referral: 'referral',
  },
  it: {
    lead: 'lead',
    opportunity: 'opportunità',
    first_order: 'primo ordine',
    repeat_order: 'ordine successivo',
    referral: 'segnalazione',
  },
} as const;

/** The words of one language. Each is a whole sentence or the head of a column. */
const words = {
  en: {
    when: 'when',
    person: 'person',
    nobody: 'nobody known',
    unnamed: '(the order does not say whose it is: it counts as a repeat order, not as a new customer)',
    revenue: 'revenue',
    net: '(net of VAT, discounts and shipping)',
    margin: 'margin',
    unknown: 'unknown',
    estimated: '(estimated from the default margin rate)',
    refund: (date: string) => `refund of ${date}`,
    left: 'left after refunds',
    window: 'The touches that may earn',
    lookback: (from: string, to: string, days: number) =>
      `Those from ${from} to ${to}: ${days} days before the conversion, to the second (attribution.lookbackDays).`,
    previous: (from: string, to: string, id: string) =>
      `Those after ${from}, up to ${to}: the path starts after the previous conversion of that type, ${id} (attribution.pathStart).`,
    noTouches: 'There is none in the window: every model leaves the conversion (unattributed).',
    path: ['touch', 'when', 'channel', 'campaign', 'device', 'stage'],
    credit: (currency: string) => [
      'touch',
      'channel',
      'weight',
      '',
      `revenue ${currency}`,
      '',
      'credit',
      'margin credit',
    ],
    afterRefunds: 'credit after refunds',
    sum: 'sum',
    equals: 'The touches add up to the ledger, exactly.',
    differs: 'The touches do NOT add up to the ledger: run `percorso build` and tell us if it stays so.',
    fit: (month: string) => `Fitted on the journeys that ended in the 12 months up to the end of ${month}.`,
    fitBefore: (month: string) =>
      `Fitted on the journeys that ended in the 12 months up to the end of ${month}: the conversion's own month is fitted by the next full refresh.`,
    noFit: 'No full refresh has fitted this type of conversion yet.',
    even: (touches: number) =>
      `The fit gives these channels nothing: ${touches === 1 ? 'the one touch has it all' : `the ${touches} touches share evenly`}.`,
    evenNoFit: (touches: number) =>
      touches === 1 ? 'The one touch has it all.' : `The ${touches} touches share evenly.`,
    notMet: (channel: string) => `${channel}: not met by that fit, so it has no share until the next full refresh`,
    byFactor: (channel: string, factor: string, all: string, share: string, touches: number) =>
      `${channel}: removal effect ${factor} of ${all} = ${share}${touches > 1 ? `, shared by its ${touches} touches` : ''}`,
    byPath: (channel: string, share: string, touches: number) =>
      `${channel}: ${share} of this path's channels together${touches > 1 ? `, shared by its ${touches} touches` : ''}`,
  },
  it: {
    when: 'quando',
    person: 'persona',
    nobody: 'nessuno di noto',
    unnamed: "(l'ordine non dice di chi è: conta come ordine successivo, non come nuovo cliente)",
    revenue: 'ricavo',
    net: '(al netto di IVA, sconti e spedizione)',
    margin: 'margine',
    unknown: 'ignoto',
    estimated: '(stimato con il margine predefinito)',
    refund: (date: string) => `rimborso del ${date}`,
    left: 'resta dopo i rimborsi',
    window: 'I contatti che possono guadagnare credito',
    lookback: (from: string, to: string, days: number) =>
      `Quelli dal ${from} al ${to}: ${days} giorni prima della conversione, al secondo (attribution.lookbackDays).`,
    previous: (from: string, to: string, id: string) =>
      `Quelli dopo il ${from}, fino al ${to}: il percorso parte dopo la conversione precedente dello stesso tipo, ${id} (attribution.pathStart).`,
    noTouches: "Non ce n'è nessuno nella finestra: ogni modello lascia la conversione (unattributed).",
    path: ['contatto', 'quando', 'canale', 'campagna', 'dispositivo', 'fase'],
    credit: (currency: string) => [
      'contatto',
      'canale',
      'peso',
      '',
      `ricavo ${currency}`,
      '',
      'credito',
      'credito di margine',
    ],
    afterRefunds: 'credito dopo i rimborsi',
    sum: 'somma',
    equals: 'La somma dei contatti è uguale al registro, esattamente.',
    differs: 'La somma dei contatti NON è uguale al registro: esegui `percorso build` e segnalacelo se resta così.',
    fit: (month: string) => `Stimato sui percorsi finiti nei 12 mesi fino alla fine di ${month}.`,
    fitBefore: (month: string) =>
      `Stimato sui percorsi finiti nei 12 mesi fino alla fine di ${month}: il mese della conversione sarà stimato dal prossimo ricalcolo completo.`,
    noFit: 'Nessun ricalcolo completo ha ancora stimato questo tipo di conversione.',
    even: (touches: number) =>
      `La stima non dà nulla a questi canali: ${touches === 1 ? "l'unico contatto prende tutto" : `i ${touches} contatti dividono in parti uguali`}.`,
    evenNoFit: (touches: number) =>
      touches === 1 ? "L'unico contatto prende tutto." : `I ${touches} contatti dividono in parti uguali.`,
    notMet: (channel: string) =>
      `${channel}: sconosciuto a quella stima, quindi senza quota fino al prossimo ricalcolo completo`,
    byFactor: (channel: string, factor: string, all: string, share: string, touches: number) =>
      `${channel}: effetto di rimozione ${factor} su ${all} = ${share}${touches > 1 ? `, diviso tra i suoi ${touches} contatti` : ''}`,
    byPath: (channel: string, share: string, touches: number) =>
      `${channel}: ${share} dell'insieme dei canali di questo percorso${touches > 1 ? `, diviso tra i suoi ${touches} contatti` : ''}`,
  },
} as const;

type Words = (typeof words)['en' | 'it'];

/** One conversion's path and credit, written for somebody who keeps the books. */
export function describeConversion(told: ExplainedConversion, language: 'en' | 'it'): string {
  const say: Words = words[language];
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: told.time_zone, dateStyle: 'short', timeStyle: 'medium' });
  const time = (instant: string) => clock.format(new Date(instant));
  const type =
    Object.entries(types[language]).find(([name]) => name === told.conversion_type)?.[1] ?? told.conversion_type;
  const facts: [string, string][] = [
    [say.when, `${time(told.at)} (${told.time_zone})`],
    [say.person, `${told.person_id ?? say.nobody}${told.is_named ? '' : ` ${say.unnamed}`}`],
    [say.revenue, `${told.revenue} ${told.currency} ${say.net}`],
    [
      say.margin,
      told.margin === null
        ? say.unknown
        : `${told.margin} ${told.currency}${told.margin_is_estimated ? ` ${say.estimated}` : ''}`,
    ],
    ...told.refunds.map((refund): [string, string] => [
      say.refund(time(refund.at).slice(0, 10)),
      `${refund.revenue} ${told.currency}, ${say.margin} ${refund.margin ?? say.unknown}`,
    ]),
  ];
  if (told.refunds.length > 0) {
    facts.push([say.left, `${told.net_revenue} ${told.currency}, ${say.margin} ${told.net_margin ?? say.unknown}`]);
  }
  const width = Math.max(...facts.map(([name]) => name.length));
  const lines = [
    plain(`${told.conversion_id} (${type})`),
    ...facts.map(([name, value]) => plain(`  ${name.padEnd(width)}  ${value}`)),
    '',
    say.window,
    `  ${
      told.window.after === undefined
        ? say.lookback(time(told.window.from), time(told.at), told.window.lookback_days)
        : say.previous(time(told.window.from), time(told.at), plain(told.window.after.conversion_id))
    }`,
  ];
  if (told.path.length === 0) {
    lines.push(`  ${say.noTouches}`);
    return `${lines.join('\n')}\n`;
  }
  const rows = told.path.map((touch) => [
    String(touch.no),
    time(touch.at),
    plain(touch.channel),
    plain(touch.campaign ?? '-'),
    plain(touch.device_class),
    plain(touch.stage),
  ]);
  lines.push(indent(formatTable(say.path, rows)));
  for (const model of told.models) lines.push('', ...describeModel(model, told, say, language));
  return `${lines.join('\n')}\n`;
}

function describeModel(model: ModelCredit, told: ExplainedConversion, say: Words, language: 'en' | 'it'): string[] {
  const hasRefunds = told.refunds.length > 0;
  const head = [...say.credit(told.currency), ...(hasRefunds ? [say.afterRefunds] : [])];
  const rows = model.touches.map((touch) => [
    String(touch.touch_no),
    plain(touch.channel),
    number(touch.weight),
    'x',
    told.revenue,
    '=',
    amount(touch.revenue),
    touch.margin === null ? '-' : amount(touch.margin),
    ...(hasRefunds ? [amount(touch.net_revenue)] : []),
  ]);
  rows.push([
    say.sum,
    '',
    number(model.totals.weight),
    '',
    '',
    '',
    amount(model.totals.revenue),
    model.totals.margin === null ? '-' : amount(model.totals.margin),
    ...(hasRefunds ? [told.net_revenue] : []),
  ]);
  return [
    `${model.name[language]} (${model.model})`,
    `  ${model.rule[language]}`,
    ...describeFit(model, told, say).map((line) => `  ${line}`),
    indent(formatTable(head, rows)),
    `  ${model.equals_ledger ? say.equals : say.differs}`,
  ];
}

function describeFit(model: ModelCredit, told: ExplainedConversion, say: Words): string[] {
  if (model.fit === undefined) return [];
  const { month, is_even, shares } = model.fit;
  const allTouches = told.path.length;
  if (month === null) return [say.noFit, say.evenNoFit(allTouches)];
  const ofMonth = month.slice(0, 7);
  const isOwn = ofMonth === told.conversion_date.slice(0, 7);
  const fit = isOwn ? say.fit(ofMonth) : say.fitBefore(ofMonth);
  if (is_even) return [fit, say.even(allTouches)];
  const all = shares.reduce((sum, { factor }) => sum + (factor ?? 0), 0);
  return [
    fit,
    ...shares.map(({ channel, touches, factor, share, is_known }) => {
      if (!is_known && share === 0) return say.notMet(plain(channel));
      if (factor !== null) return say.byFactor(plain(channel), number(factor), number(all), number(share), touches);
      return say.byPath(plain(channel), number(share), touches);
    }),
  ];
}

function indent(table: string): string {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

/** Up to six digits after the point, as many as it takes. */
function number(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}

/** An exact amount without the zeros beyond cents. */
function amount(text: string): string {
  return text.replace(/(\.\d\d\d*?)0+$/, '$1');
}

/** Control characters of what others wrote must not steer the terminal. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
