/**
 * Where offer streams hear that a vendor's offers may have changed.
 *
 * An event names what to look at and never what it looks like: whoever listens reads the database after the
 * commit, so the order in which events arrive does not matter, and a source that spans processes needs to
 * carry nothing but ids.
 */
export type OfferChange =
  /** The order became pending, or stopped being pending, with this version. */
  | { readonly kind: 'order'; readonly orderId: string; readonly version: number }
  /** The vendor declined the order. */
  | { readonly kind: 'decline'; readonly orderId: string; readonly vendorId: string }
  /** The vendor went online or offline, works on other services now, or has another API key. */
  | { readonly kind: 'vendor'; readonly vendorId: string };

export type OfferEvents = {
  /** To be called after the commit. Returns at once and never throws. */
  publish(change: OfferChange): void;
  /**
   * Returns the function that ends the subscription. Listeners must not throw.
   *
   * @param isAwake false while it does nothing with what it hears: what is missed meanwhile is not looked for
   */
  subscribe(listener: (change: OfferChange) => void, isAwake?: () => boolean): () => void;
  /** Whether anybody does something with what is heard. */
  isAnybodyAwake(): boolean;
};

/** Events of this process only. */
export function createOfferEvents(): OfferEvents {
  const listeners = new Map<(change: OfferChange) => void, () => boolean>();
  return {
    publish(change) {
      for (const listener of listeners.keys()) listener(change);
    },
    subscribe(listener, isAwake = () => true) {
      listeners.set(listener, isAwake);
      return () => listeners.delete(listener);
    },
    isAnybodyAwake: () => [...listeners.values()].some((isAwake) => isAwake()),
  };
}

/**
 * Tells the offer streams of a status change, when it is one they care about: creation, and every change from
 * or to `pending`. To be called after the change's commit.
 */
export function publishOrderChange(
  events: OfferEvents,
  change: { orderId: string; version: number; from: string | null; to: string },
): void {
  if (change.from === 'pending' || change.to === 'pending') {
    events.publish({ kind: 'order', orderId: change.orderId, version: change.version });
  }
}
