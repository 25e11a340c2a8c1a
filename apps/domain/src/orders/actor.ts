/** Kinds of callers that change an order. */
export const ACTOR_TYPES = ['customer_server', 'vendor', 'partner', 'admin'] as const;

export type ActorType = (typeof ACTOR_TYPES)[number];

/** Who caused a change. */
export interface Actor {
  type: ActorType;
  /**
   * Customer server: its id. Vendor: our id of the vendor. Partner: null. Admin: the operator's name when
   * given, else null; `system` for what no person did.
   */
  id: string | null;
}

/** True when both are the same caller: same type and same id (two unnamed operators count as one). */
export function isSameActor(a: Actor, b: Actor): boolean {
  return a.type === b.type && a.id === b.id;
}
