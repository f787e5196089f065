import { PercorsoError } from '#core/errors';

/**
 * Refuses what could not be a key of every store alike.
 * @throws PercorsoError for a key with an empty name, `.` or `..` in it, a backslash or NUL.
 */
export function refuseForeignKey(key: string): void {
  const isForeign = key.split('/').some((step) => step === '' || step === '.' || step === '..') || /[\\\0]/.test(key);
  if (isForeign) throw notAKey(key);
}

export function notAKey(key: string): PercorsoError {
  return new PercorsoError(`"${key}" is not a key of the lake`, {
    mend: 'keys are names joined by "/", without a leading slash, "." or ".."',
  });
}
