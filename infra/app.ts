import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { PercorsoError, UsageError } from '../functions/core/errors.ts';
import { writeBundles } from './bundles.ts';
import { readDeployment } from './deployment.ts';
import { writeSiteSource } from './site-source.ts';
import { addStacks, cdkFlags } from './stacks/stacks.ts';

/** `cdk synth -c company=DIR [-c stage=prod]`, called by the CDK's command line. */
const app = new App({ postCliContext: cdkFlags });
const text = (name: string): string | undefined => {
  const value: unknown = app.node.tryGetContext(name);
  return typeof value === 'string' ? value : undefined;
};
const bundles = await mkdtemp(join(tmpdir(), 'percorso-bundles-'));
try {
  const dir = text('company');
  if (dir === undefined) {
    throw new UsageError('no company to deploy', { mend: 'name its folder: npx cdk synth -c company=../my-company' });
  }
  const deployment = await readDeployment(resolve(dir), text('stage') ?? 'prod');
  const { company } = deployment;
  const source = await writeSiteSource(company, join(bundles, 'site-source'));
  addStacks(app, deployment, await writeBundles(company, bundles), source);
  app.synth();
} catch (error) {
  if (!(error instanceof PercorsoError)) throw error;
  process.stderr.write(`${error.message}\nmend: ${error.mend ?? ''}\n`);
  process.exitCode = error.exitCode;
} finally {
  await rm(bundles, { recursive: true, force: true });
}
