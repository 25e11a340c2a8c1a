import type { OrderSnapshot } from './order.ts';

/** The kind of work an order asks for, which vendors choose by; null when its metadata names none. */
export function workTypeOf({ metadata }: Pick<OrderSnapshot, 'metadata'>): string | null {
  return typeof metadata.workType === 'string' ? metadata.workType : null;
}
