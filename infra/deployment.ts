import { createFolderStore } from '../functions/adapters/folder-store.ts';
import type { AwsConfig } from '../functions/core/config.ts';
import { UsageError } from '../functions/core/errors.ts';
import { type Company, loadCompany } from '../functions/pipeline/company/company.ts';

/** One stage of one company in an account: what every name and tag is made of. */
export interface Deployment {
  company: Company;
  aws: AwsConfig;
  stage: string;
  /** `acme-prod`: begins the names of resources. */
  name: string;
  /** `acme_prod`: as databases are called. */
  database: string;
}

/**
 * @param dir the company's folder. @param stage such as `prod` or `test`: several may stand in one account.
 * @throws UsageError where the configuration has no `aws`, or the stage is no name.
 */
export async function readDeployment(dir: string, stage: string): Promise<Deployment> {
  const company = await loadCompany({ dir, env: {}, openStore: createFolderStore });
  const { aws } = company.config;
  if (aws === undefined) {
    throw new UsageError(`${company.configPath} does not say how the company runs on AWS`, {
      mend: "add aws: { id: 'acme', region: 'eu-south-1', alarmsTo: ['you@acme.it'] }; docs/aws.md has the rest",
    });
  }
  if (!/^[a-z][a-z0-9]{1,7}$/.test(stage)) {
    throw new UsageError(`"${stage}" is no name of a stage`, {
      mend: 'write 2 to 8 of lower case and digits, such as -c stage=test',
    });
  }
  const name = `${aws.id}-${stage}`;
  return { company, aws, stage, name, database: name.replaceAll('-', '_') };
}
