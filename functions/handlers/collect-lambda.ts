import type { Hono } from 'hono';
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { createSqsQueue } from '#adapters/sqs-queue';
import { createRateCheck } from '#core/fx-rates';
import type { Queue } from '#core/ports';
import { createCollector } from '#pipeline/arrivals/collect';
import { createHookReceiver } from '#pipeline/arrivals/hooks';
import { type BrowserSdk, readBrowserSdk } from './browser-sdk.ts';
import { createCollectApp } from './collect.ts';
import { bundleFolder, type OpenedSecrets, openLambdaCompany, variable } from './lambda-company.ts';
import { causeOf, log } from './lambda-log.ts';

const company = await openLambdaCompany(process.env);
const hasRate = createRateCheck(company.config.currency, company.lists.fxRates);
const queue = withLog(createSqsQueue(variable(process.env, 'QUEUE_URL'), company.lake));

/** The door answers a failure with 503 and says no more: what was wrong stands in the log. */
function withLog(inner: Queue): Queue {
  return {
    ...inner,
    async send(messages) {
      try {
        await inner.send(messages);
      } catch (error) {
        log('error', 'queue_failed', causeOf(error));
        throw error;
      }
    },
  };
}

let sdk: Promise<BrowserSdk> | undefined;
let opened: { secrets: OpenedSecrets; answer: ReturnType<typeof handle> } | undefined;

function openDoor({ env, identifierKey, sealAddress }: OpenedSecrets): Hono {
  const door = { config: company.config, identifierKey, sealAddress, env, queue, hasRate };
  const app = createCollectApp(createCollector(door), createHookReceiver(door), () => {
    sdk ??= readBrowserSdk(bundleFolder);
    return sdk;
  });
  app.onError((error, context) => {
    log('error', 'door_failed', causeOf(error));
    return context.json({ success: false, message: 'the door failed; send it again' }, 500);
  });
  return app;
}

/** API Gateway's HTTP API, payload 2.0: the door of docs/collect.md. */
export async function handler(event: LambdaEvent): Promise<Awaited<ReturnType<ReturnType<typeof handle>>>> {
  const secrets = await company.secrets();
  if (opened?.secrets !== secrets) opened = { secrets, answer: handle(openDoor(secrets)) };
  return opened.answer(event);
}
