/** What a look-up found. */
export interface Found<Value> {
  readonly value: Value;
  /** How long that is so at most, in milliseconds from the question; null: until somebody changes it. */
  readonly holdsMs: number | null;
}

export interface MemoryOptions<Value> {
  readonly look: (key: string) => Promise<Found<Value> | null>;
  /** What was found longer ago is looked up again, in milliseconds. */
  readonly maxAgeMs: number;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
}

export interface Memory<Value> {
  /** Null when there is nothing: that is never remembered. */
  find(key: string): Promise<Value | null>;
  /** Whoever asks from now on gets what was looked up after this call. */
  forget(): void;
}

/** Some bytes each; whoever has more callers than that a second looks some of them up again. */
const MAX_REMEMBERED = 10_000;

/** Remembers what was found, and not for long. Ages count from before the question, so nothing is believed for longer. */
export function createMemory<Value>({
  look,
  maxAgeMs,
  now = () => performance.now(),
}: MemoryOptions<Value>): Memory<Value> {
  let remembered = new Map<string, { readonly value: Value; readonly until: number }>();

  return {
    async find(key) {
      const known = remembered.get(key);
      const askedAt = now();
      if (known !== undefined && askedAt < known.until) return known.value;
      if (remembered.size >= MAX_REMEMBERED) remembered = new Map();
      // What is forgotten while this is looked up goes with it: nobody reads that map any more.
      const atTheQuestion = remembered;
      const found = await look(key);
      if (found === null) return null;
      const until = askedAt + Math.min(maxAgeMs, found.holdsMs ?? maxAgeMs);
      atTheQuestion.set(key, { value: found.value, until });
      return found.value;
    },
    forget() {
      remembered = new Map();
    },
  };
}
