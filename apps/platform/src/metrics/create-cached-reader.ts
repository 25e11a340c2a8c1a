export interface Reading<Value> {
  readonly value: Value;
  /** Seconds since 1970. */
  readonly readAtSeconds: number;
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number;
}

export interface CachedReaderOptions {
  /** A younger value is not read again. */
  readonly maxAgeMs: number;
  /** How long a caller waits for a newer value before it gets the one there is. */
  readonly waitMs: number;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
}

/**
 * Reads through `read` at most once at a time and once per `maxAgeMs`, however many ask. Whoever asks waits no
 * longer than `waitMs`: a source that is slow or away leaves the last value, whose age says so.
 *
 * @returns gives null as long as nothing was ever read; never rejects
 */
export function createCachedReader<Value>(
  read: () => Promise<Value>,
  { maxAgeMs, waitMs, now = () => performance.now() }: CachedReaderOptions,
): () => Promise<Reading<Value> | null> {
  let latest: { readonly value: Value; readonly readAt: number; readonly readAtSeconds: number } | null =
    null;
  let reading: Promise<void> | null = null;

  async function refresh(): Promise<void> {
    try {
      latest = { value: await read(), readAt: now(), readAtSeconds: Date.now() / 1000 };
    } catch {
      // The age of what there is tells it, and whoever needs the source reports it.
    } finally {
      reading = null;
    }
  }

  return async () => {
    if (latest === null || now() - latest.readAt >= maxAgeMs) {
      reading ??= refresh();
      await settledWithin(reading, waitMs);
    }
    return (
      latest && { value: latest.value, readAtSeconds: latest.readAtSeconds, ageMs: now() - latest.readAt }
    );
  };
}

async function settledWithin(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
