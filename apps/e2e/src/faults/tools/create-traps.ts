/**
 * Traps for what a process asks of a server. Whoever watches the connections reports each statement; the first one that
 * comes to where a trap is set is held there, with everything behind it on its connection. Other connections go on.
 */
export interface Point {
  /** Tried on the name of the statement followed by its text, or on a command and its arguments. */
  readonly statement: RegExp;
  /** `before`: the server has not seen it. `after`: it took effect for good, and its sender does not know yet. */
  readonly side: 'before' | 'after';
}

/** A statement that is held. */
export interface Caught {
  /** Lets it go on as if nothing had been. */
  release(): void;
  /** Ends its connection on both sides: what was held is gone. */
  cut(): void;
}

export interface Trap {
  readonly sprung: Promise<Caught>;
  /** Nothing is caught any more, unless it was already. */
  disarm(): void;
}

export interface Traps {
  set(point: Point): Trap;
  /** Takes the trap that one of these statements springs on that side; null when there is none. */
  spring(statements: readonly string[], side: Point['side']): ((caught: Caught) => void) | null;
}

export function createTraps(): Traps {
  const armed = new Map<Point, (caught: Caught) => void>();
  return {
    set(point) {
      const { promise, resolve } = Promise.withResolvers<Caught>();
      // A point may be set twice.
      const own = { ...point };
      armed.set(own, resolve);
      return { sprung: promise, disarm: () => void armed.delete(own) };
    },
    spring(statements, side) {
      for (const [point, resolve] of armed) {
        if (point.side !== side || !statements.some((each) => point.statement.test(each))) continue;
        armed.delete(point);
        return resolve;
      }
      return null;
    },
  };
}
