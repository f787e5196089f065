import { createRateCheck } from '#core/fx-rates';
import type { Company } from '#pipeline/company';
import { fileReplayers } from '#pipeline/file-replay';
import { createHookReplayer } from '#pipeline/hooks';
import { createSegmentReplayer, createSnowplowReplayer, type Replayer } from '#pipeline/rejected';

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
