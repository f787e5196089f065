import type { BuildOptions, BuildResult } from '#pipeline/builds/build';
import type { Catalogue } from '#pipeline/builds/catalogue';
import type { LakeTarget } from '#pipeline/builds/lake-plan-text';
import type { Company } from '#pipeline/company/company';

/** What builds where the lake is. */
export interface LakeEngine {
  /** What its statements are made with. */
  target: LakeTarget;
  build(catalogue: Catalogue, options: BuildOptions): Promise<BuildResult>;
}

/** A company, and what builds where its lake is; absent where this process builds, with DuckDB. */
export type CompanyWithEngine = Company & { engine?: LakeEngine };
