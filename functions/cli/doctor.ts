import { readdir, stat, statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Command } from 'commander';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import { lake, type Manifest } from '#core/lake';
import type { Company } from '#pipeline/company/company';
import { keyFilePath, readHashing } from '#pipeline/company/keys';
import type { CliContext } from './context.ts';

interface Finding {
  subject: string;
  state: 'ok' | 'warning' | 'wrong';
  says: string;
  mend?: string;
}

const dayMs = 86_400_000;

/** `percorso doctor`: configuration, keys, versions, disk, freshness, the last build: what is wrong, and the mend. */
export function register(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('looks at configuration, sources, freshness and versions: what is wrong, and the mend')
    .action(async () => {
      const findings = [...(await checkMachine()), ...(await checkCompany(context))];
      if (context.json) context.stdout(`${JSON.stringify(findings, null, 2)}\n`);
      else {
        const sign = { ok: 'ok     ', warning: 'warning', wrong: 'wrong  ' };
        for (const { subject, state, says, mend } of findings) {
          context.stdout(`${sign[state]}  ${subject}: ${says}\n`);
          if (mend !== undefined) context.stdout(`         mend: ${mend}\n`);
        }
      }
      if (findings.some((finding) => finding.state === 'wrong')) context.exitWith(1);
    });
}

/** An error of ours as a finding; any other is thrown. */
function wrong(subject: string, error: unknown): Finding {
  if (!(error instanceof PercorsoError)) throw error;
  const { message, mend } = error;
  return { subject, state: 'wrong', says: message, ...(mend === undefined ? {} : { mend }) };
}

async function checkMachine(): Promise<Finding[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNodeFine = major > 20 || (major === 20 && minor >= 19);
  const findings: Finding[] = [
    isNodeFine
      ? { subject: 'Node', state: 'ok', says: process.versions.node }
      : { subject: 'Node', state: 'wrong', says: process.versions.node, mend: 'install Node 20.19 or later' },
  ];
  try {
    const { openMarts } = await import('#adapters/duckdb-marts');
    const reader = await openMarts({});
    const { rows } = await reader.query('select version()');
    reader.close();
    const wanted = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(createRequire(import.meta.url)('../../package.json')).dependencies['@duckdb/node-api'];
    const found = String(rows[0]?.[0]).replace(/^v/, '');
    findings.push(
      wanted?.startsWith(found) === true
        ? { subject: 'DuckDB', state: 'ok', says: found }
        : { subject: 'DuckDB', state: 'warning', says: `${found}, tried with ${wanted}`, mend: 'run `npm ci`' },
    );
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    findings.push({ subject: 'DuckDB', state: 'wrong', says, mend: 'run `npm ci` in the folder of Percorso' });
  }
  return findings;
}

async function checkCompany(context: CliContext): Promise<Finding[]> {
  let company: Company;
  try {
    company = await context.company();
  } catch (error) {
    return [wrong('configuration', error)];
  }
  return [
    { subject: 'configuration', state: 'ok', says: `${company.config.name}, in ${company.dir}` },
    ...(await checkKeys(company)),
    ...(await checkDisk(company)),
    ...(await checkVault(company)),
    ...(await checkWaiting(company)),
    ...(await checkBuild(company, context.now())),
  ];
}

async function checkKeys(company: Company): Promise<Finding[]> {
  const { config, env, dir } = company;
  const findings: Finding[] = [];
  const { identifierKeyEnv, identifierKeyFile } = config.secrets;
  const fromEnv = env[identifierKeyEnv] ?? '';
  const file = keyFilePath(dir, identifierKeyFile);
  const found = await stat(file).catch(() => undefined);
  const hasData = (await company.lake.list('raw/')).length > 0;
  if (fromEnv === '' && found === undefined && hasData) {
    findings.push({
      subject: 'key of identifiers',
      state: 'wrong',
      says: `there is data, but neither ${identifierKeyEnv} nor ${file}`,
      mend: 'put back the key that the data came in with, or new events will not meet the persons of old ones',
    });
  } else if (fromEnv === '' && found !== undefined && (found.mode & 0o077) !== 0) {
    findings.push({
      subject: 'key of identifiers',
      state: 'wrong',
      says: `others on this machine may read ${file}`,
      mend: `run chmod 600 ${file}`,
    });
  } else {
    const where = fromEnv !== '' ? `from ${identifierKeyEnv}` : found === undefined ? 'made with the first data' : file;
    const { generation, done } = await readHashing(company.lake);
    findings.push(
      generation === done
        ? {
            subject: 'key of identifiers',
            state: 'ok',
            says: generation === 1 ? where : `${where}, changed ${generation - 1}x`,
          }
        : {
            subject: 'key of identifiers',
            state: 'warning',
            says: 'a change of it was cut off',
            mend: 'run `percorso rotate-key` again: it ends it',
          },
    );
  }
  for (const [source, { writeKeyEnv }] of Object.entries(config.sources)) {
    if (writeKeyEnv === undefined || (env[writeKeyEnv] ?? '') !== '') continue;
    findings.push({
      subject: `source ${source}`,
      state: 'warning',
      says: `${writeKeyEnv} is not set here, so nothing can be sent for it over HTTP`,
      mend: `set ${writeKeyEnv} where \`percorso collect\` runs`,
    });
  }
  for (const [source, { loginSecretEnv, logins }] of Object.entries(config.sources)) {
    if (loginSecretEnv === undefined || logins === 'believed' || (env[loginSecretEnv] ?? '') !== '') continue;
    findings.push({
      subject: `source ${source}`,
      state: 'warning',
      says: `${loginSecretEnv} is not set here, so no login of its pages is proved`,
      mend: `set ${loginSecretEnv} where \`percorso collect\` runs`,
    });
  }
  const { smtpEnv, from, onFailureTo } = config.mail;
  if (onFailureTo.length > 0 && ((env[smtpEnv] ?? '') === '' || from === undefined)) {
    const lacks = from === undefined ? 'mail.from' : smtpEnv;
    findings.push({
      subject: 'mail',
      state: 'warning',
      says: `a failed night is told to nobody: ${lacks} is not set`,
      mend: `set ${lacks}`,
    });
  }
  return findings;
}

/** How many addresses are kept; never which. */
async function checkVault(company: Company): Promise<Finding[]> {
  const subject = 'vault';
  const objects = await company.lake.list(lake.vault);
  if (objects.length === 0) {
    const says = company.config.vault.keep ? 'no address yet' : 'no address is kept (vault.keep)';
    return [{ subject, state: 'ok', says }];
  }
  const [{ countVault }, { publicVaultKey }] = await Promise.all([
    import('#pipeline/people/vault'),
    import('#core/vault-sealing'),
  ]);
  const { addresses, refused } = await countVault(company.lake, await company.identifierKey());
  const says = `${addresses} addresses for later sending, ${refused} identifiers under which it is refused`;
  if (!company.config.vault.keep) {
    const mend = 'addresses of before are still there: remove lake/vault, or set vault.keep';
    return [{ subject, state: 'warning', says, mend }];
  }
  try {
    const [key] = await company.vaultKeys();
    const half = `${company.config.secrets.vaultKeyEnv}=${publicVaultKey(key)}`;
    return [{ subject, state: 'ok', says: `${says}; a door elsewhere can fill it with ${half}` }];
  } catch (error) {
    return [wrong(subject, error)];
  }
}

async function checkDisk(company: Company): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(company.dir);
  const free = (Number(bavail) * Number(bsize)) / 1e9;
  const says = `${free.toFixed(1)} GB free`;
  if (free >= 5) return [{ subject: 'disk', state: 'ok', says }];
  const mend =
    'make room: a build needs about as much as the lake holds, and fewer builds may be kept (retention.builds)';
  return [{ subject: 'disk', state: free < 1 ? 'wrong' : 'warning', says, mend }];
}

async function checkWaiting(company: Company): Promise<Finding[]> {
  const findings: Finding[] = [];
  const landing = (await readdir(company.paths.landing).catch(() => [])).filter((name) => !name.startsWith('.'));
  if (landing.length > 0) {
    findings.push({
      subject: 'landing',
      state: 'warning',
      says: `${landing.length} files wait: ${landing.slice(0, 3).join(', ')}${landing.length > 3 ? ', ...' : ''}`,
      mend: 'run `percorso nightly`, or `percorso import` to see why one was refused',
    });
  }
  const rejected = (await company.lake.list(lake.rejected)).length;
  if (rejected > 0) {
    findings.push({
      subject: 'rejected',
      state: 'warning',
      says: 'some records could not be taken',
      mend: '`percorso rejected list` says why; `percorso rejected replay` takes them after the mend',
    });
  }
  const { requireNoUndo } = await import('#pipeline/imports/import-ledger');
  try {
    await requireNoUndo(company.lake);
  } catch (error) {
    findings.push(wrong('imports', error));
  }
  return findings;
}

async function checkBuild(company: Company, now: Date): Promise<Finding[]> {
  const [{ readCurrentManifest }, { queryMarts }, { openMarts }] = await Promise.all([
    import('#pipeline/builds/publish'),
    import('#pipeline/reading/query'),
    import('#adapters/duckdb-marts'),
  ]);
  let manifest: Manifest | undefined;
  try {
    manifest = await readCurrentManifest(company.lake);
  } catch (error) {
    return [wrong('last build', error)];
  }
  if (manifest === undefined) {
    return [{ subject: 'last build', state: 'warning', says: 'there is none yet', mend: 'run `percorso build`' }];
  }
  const days = (now.getTime() - new Date(manifest.built_at).getTime()) / dayMs;
  const says = `${manifest.built_at}, figures up to ${manifest.as_of}`;
  const findings: Finding[] = [
    days <= 1.5
      ? { subject: 'last build', state: 'ok', says }
      : { subject: 'last build', state: 'warning', says, mend: 'run `percorso build`, and see docs/scheduling.md' },
  ];
  for (const check of manifest.checks.filter((one) => one.failing_rows > 0)) {
    findings.push({
      subject: `check ${check.check}`,
      state: 'warning',
      says: `${check.failing_rows} rows`,
      mend: `percorso query "select sample from check_results where check_name = '${check.check}'"`,
    });
  }
  if (manifest.tables.source_health !== undefined) {
    const { rows } = await queryMarts(
      company.lake,
      (tables) => openMarts(tables),
      'select source, last_event_at from source_health where is_stale order by source',
    );
    for (const [source, last] of rows) {
      findings.push({
        subject: `source ${String(source)}`,
        state: 'warning',
        says: `nothing since ${String(last)}`,
        mend: 'see whether it still sends; sources.<name>.staleAfterHours says how long it may be silent',
      });
    }
  }
  return findings;
}
