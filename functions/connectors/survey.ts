import type { FileConnector } from '#connectors/file-connector';
import { compact, tableConnector } from '#connectors/table-export';

const recommends = /how likely .*recommend|quanto .*(consigl|raccomand)|con quale probabilit.*(consigl|raccomand)/i;
const satisfied = /how satisfied|quanto .*soddisfatt/i;
const plain = ['score', 'nps score', 'nps', 'csat', 'csat score', 'rating', 'punteggio', 'voto'];
const answeredAt = [
  ...['submitted at', 'submit date (utc)', 'submit date', 'date submitted', 'submitted_at', 'response date'],
  ...['date modified', 'end date', 'date created', 'responded at', 'data risposta', 'data invio', 'data compilazione'],
];
const email = ['email', 'email address', 'e-mail', 'what is your email address?', 'indirizzo email'];
const person = ['customer id', 'customer_id', 'contact id', 'contact_id', 'user id', 'user_id', 'codice cliente'];

function scoreColumn(columns: readonly string[]): { name: string; kind: string } | undefined {
  const names = columns.map((column) => column.trim().toLowerCase());
  for (const name of names) {
    if (recommends.test(name)) return { name, kind: 'nps' };
    if (satisfied.test(name)) return { name, kind: 'csat' };
  }
  const name = plain.find((one) => names.includes(one));
  return name === undefined
    ? undefined
    : { name, kind: /csat/.test(name) ? 'csat' : /nps/.test(name) ? 'nps' : 'survey' };
}

/** The question stands in the header in the words of whoever asked it, so the shape is made of the header. */
const shapeOf = (score: { name: string; kind: string }) =>
  tableConnector({
    name: 'survey',
    source: 'survey',
    isGeneral: true,
    amounts: score.name,
    times: ['dd/MM/yyyy HH:mm:ss', 'dd/MM/yyyy HH:mm'],
    shapes: [
      {
        says: score.kind === 'survey' ? 'answers of a survey' : `answers of a survey (${score.kind.toUpperCase()})`,
        marks: [score.name, answeredAt, [...email, ...person]],
        notes: [`the score is in the column "${score.name}"; days with strokes are read day first`],
        read(row) {
          const given = row.amount(score.name);
          // Who left the question out has not answered it.
          if (given === undefined) return [];
          return [
            {
              event_type: 'Feedback Given',
              occurred_at: row.needTime(answeredAt),
              identifiers: compact({
                email: row.text(email),
                crm_id: row.text(person),
                phone: row.text(['phone', 'telefono']),
              }),
              properties: { score: Number(given), kind: score.kind },
            },
          ];
        },
      },
    ],
  });

const noScore = shapeOf({ name: 'score', kind: 'survey' });
const forHeader = (columns: readonly string[]) => {
  const score = scoreColumn(columns);
  return score === undefined ? noScore : shapeOf(score);
};

/** Answers of a survey as Typeform, SurveyMonkey and their like export them: a row an answer, a column a question. */
export const survey: FileConnector = {
  ...noScore,
  recognise: (columns, preamble) => forHeader(columns).recognise(columns, preamble),
  numberColumns: (columns) => forHeader(columns).numberColumns(columns),
  open: (context) => forHeader(context.names).open(context),
};
