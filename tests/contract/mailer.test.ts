import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { createMailer } from '#adapters/mailer';
import { createSesMailer } from '#adapters/ses-mailer';
import { createSmtpMailer } from '#adapters/smtp-mailer';
import type { Mailer } from '#core/ports';

const mail = {
  from: 'p@acme.it',
  to: ['it@acme.it', 'capo@acme.it'],
  subject: 'Tonight failed',
  text: 'a check failed',
};
type Taken = typeof mail;

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

async function listening(made: Server): Promise<number> {
  server = made;
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  const address: AddressInfo | string | null = made.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Enough of a server of each kind to say what mail it took; `refuses` answers as one that takes none. */
const adapters: Record<string, (taken: Taken[], refuses: boolean) => Promise<Mailer>> = {
  SMTP: async (taken, refuses) => {
    const port = await listening(
      createServer((socket) => {
        let isData = false;
        const to: string[] = [];
        const lines: string[] = [];
        let from = '';
        socket.write('220 hello\r\n');
        socket.on('data', (chunk) => {
          for (const line of chunk.toString().split('\r\n')) {
            if (isData && line === '.') {
              isData = false;
              const subject = lines.find((one) => one.startsWith('Subject: '))?.slice('Subject: '.length) ?? '';
              taken.push({
                from,
                to,
                subject,
                text: lines
                  .slice(lines.indexOf('') + 1)
                  .join('\n')
                  .trim(),
              });
              socket.write('250 taken\r\n');
            } else if (isData) {
              if (lines.length > 0 || line !== '') lines.push(line);
            } else if (line !== '') {
              from = /^MAIL FROM:<(.*?)>/.exec(line)?.[1] ?? from;
              const recipient = /^RCPT TO:<(.*?)>/.exec(line)?.[1];
              if (recipient !== undefined) to.push(recipient);
              isData = line === 'DATA';
              const answer = isData ? '354 go on' : line === 'QUIT' ? '221 bye' : '250 fine';
              socket.write(`${refuses && line.startsWith('MAIL') ? '550 not verified' : answer}\r\n`);
            }
          }
        });
      }),
    );
    return createSmtpMailer(`smtp://127.0.0.1:${port}`);
  },
  SES: async (taken, refuses) => {
    const sent = z.object({
      FromEmailAddress: z.string(),
      Destination: z.object({ ToAddresses: z.array(z.string()) }),
      Content: z.object({
        Simple: z.object({
          Subject: z.object({ Data: z.string() }),
          Body: z.object({ Text: z.object({ Data: z.string() }) }),
        }),
      }),
    });
    const port = await listening(
      createHttpServer((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part) => parts.push(part));
        request.on('end', () => {
          if (refuses || request.url !== '/v2/email/outbound-emails') {
            response.writeHead(400, { 'content-type': 'application/json', 'x-amzn-errortype': 'MessageRejected' });
            response.end(JSON.stringify({ message: 'not verified' }));
            return;
          }
          const { FromEmailAddress, Destination, Content } = sent.parse(JSON.parse(Buffer.concat(parts).toString()));
          const { Subject, Body } = Content.Simple;
          taken.push({
            from: FromEmailAddress,
            to: Destination.ToAddresses,
            subject: Subject.Data,
            text: Body.Text.Data,
          });
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ MessageId: 'm-1' }));
        });
      }),
    );
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    return createSesMailer(
      new SESv2Client({ endpoint: `http://127.0.0.1:${port}`, region: 'eu-south-1', credentials, maxAttempts: 1 }),
    );
  },
};

describe.each(Object.entries(adapters))('every Mailer: %s', (_, open) => {
  it('hands a mail over whole, to each of its readers', async () => {
    const taken: Taken[] = [];
    await (await open(taken, false)).send(mail);
    expect(taken).toEqual([mail]);
  });

  it('says to whom it could not send, and why', async () => {
    const taken: Taken[] = [];
    const mailer = await open(taken, true);
    await expect(mailer.send(mail)).rejects.toThrow(
      /the mail to it@acme\.it, capo@acme\.it could not be sent: .*not verified/,
    );
    expect(taken).toEqual([]);
  });
});

describe('SMTP', () => {
  it('names a server that is not there without its password', async () => {
    const attempt = createSmtpMailer('smtp://user:secret@127.0.0.1:1').send(mail);
    await expect(attempt).rejects.toThrow('the mail to it@acme.it, capo@acme.it could not be sent');
    await expect(attempt).rejects.not.toThrow('secret');
  });
});

describe('the address', () => {
  const to = async (address: string) => {
    const mailer = await createMailer(address);
    return mailer.send(mail).then(
      () => 'sent',
      (error) => `${error.message}; ${error.mend}`,
    );
  };

  it('chooses between SMTP and SES', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_SESV2', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    expect(await to('ses://eu-south-1')).toContain('verify the sender in SES');
    expect(await to('smtp://127.0.0.1:1')).toContain('check the SMTP address');
    vi.unstubAllEnvs();
  });
});
