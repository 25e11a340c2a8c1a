/** Statuses in which an order can still change. */
export const OPEN_STATUSES = [
  'pending',
  'assigned',
  'accepted',
  'in_progress',
  'payment_requested',
  'payment_confirmed',
  'arrival_confirmed',
] as const;

/** Statuses that an order never leaves. */
export const TERMINAL_STATUSES = ['completed', 'cancelled'] as const;

/** Every status an order can have, as published in the integration guide's "Status Values". */
export const ORDER_STATUSES = [...OPEN_STATUSES, ...TERMINAL_STATUSES] as const;

type TerminalStatus = (typeof TERMINAL_STATUSES)[number];
export type OrderStatus = (typeof ORDER_STATUSES)[number];

const terminal: ReadonlySet<OrderStatus> = new Set(TERMINAL_STATUSES);

/** True for `completed` and `cancelled`. */
export function isTerminal(status: OrderStatus): status is TerminalStatus {
  return terminal.has(status);
}
