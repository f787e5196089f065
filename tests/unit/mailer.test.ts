import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createSmtpMailer } from '#adapters/mailer';

const mail = { from: 'p@acme.it', to: ['it@acme.it'], subject: 'Tonight failed', text: 'a check failed' };

test('a mail reaches the SMTP server whole', async () => {
  const heard: string[] = [];
  const server = createServer((socket) => {
    let isData = false;
    socket.write('220 hello\r\n');
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\r\n')) {
        if (line === '') continue;
        heard.push(line);
        if (isData) {
          if (line !== '.') continue;
          isData = false;
          socket.write('250 taken\r\n');
        } else if (line === 'DATA') {
          isData = true;
          socket.write('354 go on\r\n');
        } else {
          socket.write(line === 'QUIT' ? '221 bye\r\n' : '250 fine\r\n');
        }
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await createSmtpMailer(`smtp://127.0.0.1:${port}`).send(mail);
  server.close();
  expect(heard).toContain('RCPT TO:<it@acme.it>');
  expect(heard).toContain('Subject: Tonight failed');
  expect(heard).toContain('a check failed');
});

test('a server that is not there is named without the password', async () => {
  const attempt = createSmtpMailer('smtp://user:secret@127.0.0.1:1').send(mail);
  await expect(attempt).rejects.toThrow('the mail to it@acme.it could not be sent');
  await expect(attempt).rejects.not.toThrow('secret');
});
