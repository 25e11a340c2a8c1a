/**
 * Runs one task at a time. Who asks while it runs shares one further run after it with everybody else who does:
 * each caller's run begins after its call, and many callers make no more than two.
 */
export function createSharedRun(run: () => Promise<unknown>): () => Promise<void> {
  let current: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  function start(): Promise<void> {
    current = run()
      .then(() => undefined)
      .finally(() => {
        current = null;
      });
    return current;
  }

  return () => {
    if (current === null) return start();
    next ??= current
      .catch(() => undefined)
      .then(() => {
        next = null;
        // One that somebody started in between began after all of these calls, too.
        return current ?? start();
      });
    return next;
  };
}
