// A thread is one warm sandbox of Lambda: an environment and modules of its own.
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { interceptLocalhostDns } from 'fauxqs';

// fauxqs calls its queues by names below localhost, which not every system resolves.
interceptLocalhostDns();
const [file, exported] = workerData.handler.split('.');
const module = import(pathToFileURL(`${workerData.folder}/${file}.mjs`).href);
parentPort.on('message', async ({ id, event }) => {
  try {
    const answer = await (await module)[exported](event, { awsRequestId: id });
    parentPort.postMessage({ id, answer: JSON.parse(JSON.stringify(answer ?? null)) });
  } catch (error) {
    parentPort.postMessage({ id, error: `${error?.name}: ${error?.message}` });
  }
});
