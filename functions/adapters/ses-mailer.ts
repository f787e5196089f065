import { type SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2';
import { PercorsoError } from '#core/errors';
import type { Mailer } from '#core/ports';

/** Mail through Amazon SES. The sender's address or domain must be verified there. */
export function createSesMailer(client: SESv2Client): Mailer {
  return {
    async send({ from, to, subject, text }) {
      try {
        await client.send(
          new SendEmailCommand({
            FromEmailAddress: from,
            Destination: { ToAddresses: [...to] },
            Content: {
              Simple: {
                Subject: { Data: subject, Charset: 'UTF-8' },
                Body: { Text: { Data: text, Charset: 'UTF-8' } },
              },
            },
          }),
        );
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new PercorsoError(`the mail to ${to.join(', ')} could not be sent: ${reason}`, {
          mend: 'verify the sender in SES, and ask for the account to leave the sandbox',
          cause,
        });
      }
    },
  };
}
