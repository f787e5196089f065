import type { Mailer } from '#core/ports';

/**
 * The mailer of an address from the environment.
 * @param address `smtps://user:password@host:465`, or `ses://REGION` for Amazon SES with the machine's own credentials.
 */
export async function createMailer(address: string): Promise<Mailer> {
  const region = /^ses:\/\/([a-z0-9-]+)\/?$/.exec(address)?.[1];
  if (region === undefined) return (await import('#adapters/smtp-mailer')).createSmtpMailer(address);
  const [{ SESv2Client }, { createSesMailer }] = await Promise.all([
    import('@aws-sdk/client-sesv2'),
    import('#adapters/ses-mailer'),
  ]);
  return createSesMailer(new SESv2Client({ region }));
}
