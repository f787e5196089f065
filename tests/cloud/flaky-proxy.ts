import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';

/** What becomes of a request: it goes through, is answered with a failure, or is never answered. */
export type Verdict = 'pass' | 'fail' | 'hang';

/** Stands before a server on loopback and decides on each request. */
export async function startProxy(
  target: string,
): Promise<{ address: string; judge(verdict: (request: IncomingMessage) => Verdict): void; stop(): void }> {
  let judge: (request: IncomingMessage) => Verdict = () => 'pass';
  const server = createServer((incoming, outgoing) => {
    const verdict = judge(incoming);
    if (verdict === 'hang') return;
    if (verdict === 'fail') {
      incoming.resume();
      outgoing.writeHead(503).end();
      return;
    }
    const { method, url = '/', headers } = incoming;
    const onward = request(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    address: `http://127.0.0.1:${address.port}`,
    judge(verdict) {
      judge = verdict;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
