import { isoInstant, localIso } from '#pipeline/demo/calendar';
import { csvLine } from '#pipeline/demo/export-text';
import type { Answer, Call, Mail } from '#pipeline/demo/facts';

/** The telephone system's log. A withheld number is empty. */
export const callHeader = csvLine(['Call ID', 'Start', 'Caller', 'Queue', 'Seconds', 'Answered']);

export function callLine(call: Call): string {
  return csvLine([call.id, localIso(call.day, call.second), call.number, call.queue, call.seconds, 'yes']);
}

/** What the newsletter's sender knows: one row for each time that a mail was sent, opened or clicked. */
export const mailHeader = csvLine(['Message ID', 'Mailing', 'Email', 'Activity', 'Time', 'Link']);

export function mailLines(mail: Mail): { order: number; line: string }[] {
  const row = (activity: string, second: number, link = '') => ({
    order: second,
    line: csvLine([mail.id, mail.mailing, mail.person.email, activity, isoInstant(mail.day, second), link]),
  });
  return [
    row('sent', mail.second),
    ...(mail.opened === undefined ? [] : [row('opened', mail.opened)]),
    ...(mail.clicked === undefined
      ? []
      : [row('clicked', mail.clicked, 'https://www.officine-esempio.example/ricambi')]),
  ];
}

/** Answers to the question whether one would recommend the firm, 0 to 10. */
export const answerHeader = csvLine(['Answer ID', 'Answered at', 'Email', 'Order ID', 'Score', 'Comment']);

export function answerLine(answer: Answer): string {
  const { person, score } = answer;
  const comment =
    person.draw('comments', answer.day) >= 0.3
      ? ''
      : score >= 9
        ? 'Tecnico puntuale, impianto perfetto.\nLi consiglio.'
        : score >= 7
          ? 'Tutto bene, "un po’ lenti" con la consegna.'
          : 'Ho dovuto richiamare, più volte.';
  return csvLine([answer.id, localIso(answer.day, answer.second), person.email, answer.orderId, score, comment]);
}
