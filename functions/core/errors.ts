/**
 * The one base of all errors that a person may meet. A message says what happened, where (file and line, setting or
 * column) and which value; `mend` says what to do. The CLI prints both and exits with `exitCode`.
 */
export class PercorsoError extends Error {
  override name = 'PercorsoError';
  readonly mend: string | undefined;
  /** 1: the work failed, and nothing was published. 2: wrong use. */
  readonly exitCode: 1 | 2 = 1;

  constructor(message: string, options: { mend?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.mend = options.mend;
  }
}

/** The command was called wrongly: an unknown option, a file that is not there, a setting that does not exist. */
export class UsageError extends PercorsoError {
  override name = 'UsageError';
  override readonly exitCode = 2;
}

/** A whole file, body or batch that cannot be taken. */
export class RefusedError extends PercorsoError {
  override name = 'RefusedError';
}
