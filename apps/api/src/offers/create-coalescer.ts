/**
 * Runs one task at a time per key. What is asked for while a key's task is under way is gathered and done in
 * one further run after it, so the last run for a target always begins after the last request for it.
 *
 * @param run must not reject
 */
export function createCoalescer<Key, Target>(
  run: (key: Key, targets: ReadonlySet<Target>) => Promise<void>,
): (key: Key, targets: Iterable<Target>) => void {
  const waiting = new Map<Key, Set<Target>>();

  async function runAll(key: Key, first: Set<Target>): Promise<void> {
    let targets = first;
    while (targets.size > 0) {
      const next = new Set<Target>();
      waiting.set(key, next);
      await run(key, targets);
      targets = next;
    }
    waiting.delete(key);
  }

  return (key, targets) => {
    const gathered = waiting.get(key);
    if (gathered) {
      for (const target of targets) gathered.add(target);
    } else {
      void runAll(key, new Set(targets));
    }
  };
}
