/** Headers of the IETF draft "RateLimit header fields for HTTP", in its widespread three-header form. */
export type RateLimitHeaders = {
  'ratelimit-limit': string;
  'ratelimit-remaining': string;
  /** Seconds until the count starts again. */
  'ratelimit-reset': string;
};

export type RateLimitCheck = { isAllowed: boolean; headers: RateLimitHeaders; resetSeconds: number };

/** Beyond this many callers the windows that ran out are dropped. */
const SWEEP_SIZE = 1_000;

/**
 * Counts the uses of each caller in windows of fixed length that begin with its first use, in this process
 * alone.
 *
 * @param now a monotonic clock in ms
 */
export function createRateLimit(
  { limit, windowMs }: { limit: number; windowMs: number },
  now: () => number = () => performance.now(),
): (caller: string) => RateLimitCheck {
  const windows = new Map<string, { endsAt: number; used: number }>();

  function dropEnded(at: number): void {
    for (const [caller, { endsAt }] of windows) if (endsAt <= at) windows.delete(caller);
  }

  return (caller) => {
    const at = now();
    let window = windows.get(caller);
    if (window === undefined || window.endsAt <= at) {
      if (windows.size >= SWEEP_SIZE) dropEnded(at);
      window = { endsAt: at + windowMs, used: 0 };
      windows.set(caller, window);
    }
    window.used += 1;
    const resetSeconds = Math.max(1, Math.ceil((window.endsAt - at) / 1000));
    return {
      isAllowed: window.used <= limit,
      resetSeconds,
      headers: {
        'ratelimit-limit': String(limit),
        'ratelimit-remaining': String(Math.max(0, limit - window.used)),
        'ratelimit-reset': String(resetSeconds),
      },
    };
  };
}
