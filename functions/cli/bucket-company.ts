import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { MirroredStore } from '#adapters/mirrored-store';
import { PercorsoError } from '#core/errors';
import { lake as places } from '#core/lake';
import { foldersOf } from '#core/lake-sql';
import type { Store } from '#core/ports';
import type { Company } from '#pipeline/company/company';

/** What a command needs of the lake on this machine; `everything` is fetched once it is its turn to build (`alone`). */
export type Need = 'nothing' | 'the published tables' | 'everything';

/** Opens the company of the folder, with these variables, at another place of its data. */
export type LoadCompany = (more: {
  env: NodeJS.ProcessEnv;
  data?: string;
  openStore?: (folder: string) => Store;
}) => Promise<Company>;

/**
 * A company whose lake is a bucket, with a folder of this machine before it for engines that read and write files. Whoever
 * builds, erases or takes back holds the lease of builds meanwhile.
 * @param data where it is worked with, apart from a lake that the company has on this machine.
 */
export async function openBucketCompany({
  bucket,
  need,
  load,
  env,
  data,
}: {
  bucket: Store;
  need: Need;
  load: LoadCompany;
  env: NodeJS.ProcessEnv;
  data: string;
}): Promise<{ company: Company; store: MirroredStore }> {
  const { createMirroredStore } = await import('#adapters/mirrored-store');
  const holder = nameHolder();
  const stores: MirroredStore[] = [];
  const turn = { isOwn: false, isOnFiles: false };
  const company = await load({
    env,
    data,
    openStore: (folder) => {
      const store = createMirroredStore(bucket, folder);
      stores.push(store);
      const put: typeof store.put = async (key, body) => {
        if (key === places.current) await holdLease(bucket, holder);
        await store.put(key, body);
      };
      // What came in since it was fetched is listed too: an engine that is told of it must find it here.
      const list = (prefix: string) =>
        turn.isOnFiles && readByFile.some((one) => prefix.startsWith(one)) ? store.pull([prefix]) : store.list(prefix);
      return { ...store, put, list };
    },
  });
  const [store] = stores;
  if (store === undefined) throw new Error('the company opened no store');
  const begin = async <Result>(work: () => Promise<Result>, on: 'files' | 'objects'): Promise<Result> => {
    if (on === 'files' && !turn.isOnFiles) {
      // Under the lease, so that what the last build published is there too.
      await store.pull(Object.values(prefixes));
      turn.isOnFiles = true;
    }
    return work();
  };
  const alone: Company['alone'] = async (work, on = 'files') => {
    if (turn.isOwn) return begin(work, on);
    const [{ whileLeased }, { createBuildId }] = await Promise.all([
      import('#pipeline/builds/lease'),
      import('#pipeline/builds/build'),
    ]);
    return whileLeased(bucket, { holder, buildId: createBuildId(wallClock) }, wallClock, async () => {
      turn.isOwn = true;
      try {
        return await begin(work, on);
      } finally {
        turn.isOwn = false;
        turn.isOnFiles = false;
      }
    });
  };
  const fetchPublished = async () => {
    const { requireBuild } = await import('#pipeline/builds/publish');
    const manifest = await requireBuild(bucket);
    const keys = Object.values(manifest.tables).flatMap(({ files }) => files.map(({ key }) => key));
    await store.pull(foldersOf(keys));
  };
  if (need === 'the published tables') await fetchPublished();
  return { company: { ...company, alone, fetchPublished }, store };
}

/** A name for the lease of builds that no other command has, on whichever machine. */
export const nameHolder = () => `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;

const wallClock = () => new Date();

/** @throws PercorsoError where the lease went to somebody else meanwhile, as after this machine slept: nothing is published then. */
async function holdLease(store: Store, holder: string): Promise<void> {
  const { holdsLease } = await import('#pipeline/builds/lease');
  if (await holdsLease(store, holder, wallClock)) return;
  throw new PercorsoError('the lease of this build is over, and another build may have begun: nothing was published', {
    mend: 'run the command again',
  });
}

/** What builds read file by file. */
const readByFile = ['raw/', places.rejected, places.unlinks];

const prefixes = {
  raw: 'raw/',
  rejected: places.rejected,
  vault: places.vault,
  imports: places.imports,
  erased: places.erased,
  people: 'people/',
  marts: 'marts/',
};
