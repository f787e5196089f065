import { PercorsoError } from '#core/errors';

/**
 * The company's secret of the keyed hashes, from its hex text.
 * @param origin where the text came from, for the message.
 * @throws PercorsoError where it is no key.
 */
export function decodeIdentifierKey(text: string, origin: string): Buffer {
  const key = Buffer.from(text.trim(), 'hex');
  if (key.length >= 16 && key.toString('hex') === text.trim().toLowerCase()) return key;
  throw new PercorsoError(`${origin} holds no usable key of identifiers`, {
    mend: 'put back the key that this company began with (64 hex digits); with another one every person becomes a stranger',
  });
}
