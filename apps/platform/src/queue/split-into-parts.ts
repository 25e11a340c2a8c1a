/**
 * The queue answers within 0.9 s or not at all, and in PostgreSQL it does about 1 000 states or adds in that
 * time. Thousands at once could fail again and again; smaller parts get somewhere on any machine.
 */
const MAX_JOBS_AT_ONCE = 100;

/** Jobs in parts that the queue can be given, or asked about, at once. */
export function* splitIntoParts<Job>(
  jobs: readonly Job[],
  maxAtOnce = MAX_JOBS_AT_ONCE,
): Generator<readonly Job[]> {
  for (let start = 0; start < jobs.length; start += maxAtOnce) {
    yield jobs.slice(start, start + maxAtOnce);
  }
}
