import { createTransport } from 'nodemailer';
import { PercorsoError } from '#core/errors';
import type { Mailer } from '#core/ports';

/** Mail over SMTP. @param url such as `smtps://user:password@host:465`; it never stands in a message. */
export function createSmtpMailer(url: string): Mailer {
  return {
    async send({ from, to, subject, text }) {
      const transport = createTransport(url, {});
      try {
        await transport.sendMail({ from, to: [...to], subject, text });
      } catch (cause) {
        const reason = (cause instanceof Error ? cause.message : String(cause)).replaceAll(url, 'the SMTP address');
        throw new PercorsoError(`the mail to ${to.join(', ')} could not be sent: ${reason}`, {
          mend: 'check the SMTP address in its environment variable and that the server can be reached',
          cause,
        });
      } finally {
        transport.close();
      }
    },
  };
}
