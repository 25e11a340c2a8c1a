/** One direction of a connection: passes on what it is given, or keeps it while it is shut. */
export interface Valve {
  pass(bytes: Buffer): void;
  shut(): void;
  /** Passes on what it kept, and everything after it. */
  open(): void;
}

export function createValve(write: (bytes: Buffer) => void): Valve {
  let kept: Buffer[] | null = null;
  return {
    pass(bytes) {
      if (kept === null) write(bytes);
      else kept.push(bytes);
    },
    shut() {
      kept ??= [];
    },
    open() {
      const bytes = kept ?? [];
      kept = null;
      for (const each of bytes) write(each);
    },
  };
}
