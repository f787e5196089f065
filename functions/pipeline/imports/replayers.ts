import { createRateCheck } from '#core/fx-rates';
import { createHookReplayer } from '#pipeline/arrivals/hooks';
import { createSegmentReplayer, createSnowplowReplayer, type Replayer } from '#pipeline/arrivals/rejected';
import type { Company } from '#pipeline/company/company';
import { fileReplayers } from '#pipeline/imports/file-replay';

/** The replayers of every way in, by which a refused record of a company is read again. */
export async function companyReplayers(company: Company): Promise<Replayer[]> {
  const { config, lists, env } = company;
  const identifierKey = await company.identifierKey();
  const hasRate = createRateCheck(config.currency, lists.fxRates);
  const sealAddress = await company.sealAddress();
  const context = { config, identifierKey, hasRate, sealAddress };
  const http = { ...context, env };
  return [
    createSegmentReplayer(http),
    createSnowplowReplayer(http),
    createHookReplayer(context),
    ...(await fileReplayers(company)),
  ];
}
