import { randomBytes } from 'node:crypto';

const RANDOM_BYTES = 6;
const RANDOM_LIMIT = 2 ** (8 * RANDOM_BYTES);

/**
 * Makes a generator of time-ordered ids: 24 lower-case hex characters, 48 bits of milliseconds and 48
 * random bits, the same as the database's `new_id()`.
 *
 * Within one generator ids only rise, also within a millisecond and when the clock is set back: the last
 * millisecond is then kept and its random part counted up. Two ids that must sort as they were made (an
 * order's first and second transition) need no further tie-break.
 */
export function createIdGenerator(now: () => number = Date.now): () => string {
  let milliseconds = 0;
  let random = 0;
  return () => {
    const current = now();
    if (current > milliseconds) {
      milliseconds = current;
      random = randomBytes(RANDOM_BYTES).readUIntBE(0, RANDOM_BYTES);
    } else if (random + 1 < RANDOM_LIMIT) {
      random += 1;
    } else {
      milliseconds += 1;
      random = randomBytes(RANDOM_BYTES).readUIntBE(0, RANDOM_BYTES);
    }
    return toHex(milliseconds) + toHex(random);
  };
}

/** A new time-ordered id (24 lower-case hex characters); rises monotonically within this process. */
export const createId: () => string = createIdGenerator();

function toHex(value: number): string {
  return value.toString(16).padStart(12, '0');
}
