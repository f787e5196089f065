/** How long a Lambda keeps what it read of the secrets, in milliseconds: a new write key or key of hashes holds after this. */
export const secretsKeptMs = 5 * 60_000;

/** The longest run of a Lambda that writes into the lake, in seconds: an import. */
export const longestWriterSeconds = 15 * 60;

/**
 * After the key of the hashes was changed on AWS, in milliseconds: for so long something may still write into the lake what it
 * hashed with the one before, since it read that just before the change and ran as long as it could. A minute is for clocks that differ.
 */
export const formerKeyMs = secretsKeptMs + longestWriterSeconds * 1000 + 60_000;
