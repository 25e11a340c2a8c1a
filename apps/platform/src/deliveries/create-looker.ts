/**
 * Looks at endpoints after commits, at each with one look at a time.
 *
 * An endpoint with a backlog ends deliveries faster than looks can follow: every look takes the endpoint's lock, so
 * one for each delivery would stand in line for it, hold a connection of the pool while it stands there, and move one
 * delivery when its turn comes. Instead, whoever comes while a look is under way is merged with all others that came
 * since into the next look, which moves for all of them at once.
 *
 * Why that is still *commit, then look* (promote.ts): a caller comes after its own commit. When no look is under way
 * its look begins at once. Otherwise the one under way may have begun before that commit, so it never stands for the
 * caller; the next one begins after it has ended, hence after the commit of everybody who is merged into it, and looks
 * at all their lanes. A look that fails fails for all of them, and what it did not find is the relay's, as ever.
 */

export interface Looker {
  /**
   * Resolves when a look that began after this call has ended, and what it found is handed over.
   *
   * @param orderId the lane to look at besides the endpoint's heads; null for none
   */
  lookAt(endpointId: string, orderId: string | null): Promise<void>;
}

export interface LookerOptions<Found> {
  /** One look, at the endpoint's heads and at these lanes. Never rejects. */
  readonly look: (endpointId: string, orderIds: readonly string[]) => Promise<Found>;
  /** What comes after it; the endpoint's next look does not wait for it. Never rejects. */
  readonly handOver: (found: Found) => Promise<void>;
}

/** The look that begins when the one under way has ended. */
interface NextLook {
  readonly orderIds: Set<string>;
  readonly ended: PromiseWithResolvers<void>;
}

export function createLooker<Found>({ look, handOver }: LookerOptions<Found>): Looker {
  /** Endpoints that are looked at now, each with what came since that look began. */
  const underWay = new Map<string, { next: NextLook | null }>();

  async function run(endpointId: string, orderIds: readonly string[]): Promise<void> {
    const current: { next: NextLook | null } = { next: null };
    underWay.set(endpointId, current);
    const found = await look(endpointId, orderIds);
    underWay.delete(endpointId);
    const { next } = current;
    if (next !== null) void run(endpointId, [...next.orderIds]).then(next.ended.resolve);
    await handOver(found);
  }

  return {
    lookAt(endpointId, orderId) {
      const current = underWay.get(endpointId);
      if (current === undefined) return run(endpointId, orderId === null ? [] : [orderId]);
      current.next ??= { orderIds: new Set(), ended: Promise.withResolvers<void>() };
      if (orderId !== null) current.next.orderIds.add(orderId);
      return current.next.ended.promise;
    },
  };
}
