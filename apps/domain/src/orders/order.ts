import type { Actor } from './actor.ts';
import type { OrderStatus } from './order-status.ts';

export const PAYMENT_METHODS = ['cod', 'online', 'wallet'] as const;
export type PaymentMethod = (typeof PAYMENT_METHODS)[number];

export type PaymentStatus = 'pending' | 'paid';

/** Who a cancellation is put down to, as receivers see it. */
export type CancelledBy = 'customer' | 'vendor' | 'admin';

export interface Place {
  address: string;
  /** `[longitude, latitude]` in degrees. */
  coordinates: [number, number];
}

export interface OrderItem {
  title: string;
  qty: number;
  /** Money: at most 2 decimals. */
  price: number;
}

/** An order as of one version: everything a decision or a webhook body needs. */
export interface OrderSnapshot {
  orderId: string;
  /** The tenant. */
  customerServerId: string;
  /** The customer server's own reference to a person. */
  customerId: string;
  status: OrderStatus;
  /** 1 at creation, raised by one with every change. */
  version: number;
  /** Who caused the current status. */
  statusActor: Actor;
  vendorId: string | null;
  /** Money: at most 2 decimals. */
  fare: number;
  paymentMethod: PaymentMethod;
  paymentStatus: PaymentStatus;
  pickup: Place;
  drop: Place;
  items: OrderItem[];
  customerNotes: string | null;
  vendorNotes: string | null;
  scheduledAt: Date | null;
  assignedAt: Date | null;
  acceptedAt: Date | null;
  completedAt: Date | null;
  cancelledAt: Date | null;
  cancellationReason: string | null;
  cancelledBy: CancelledBy | null;
  metadata: Record<string, unknown>;
  /** When what is about a person was last overwritten; null while it is all there. */
  personalDataErasedAt: Date | null;
  createdAt: Date;
  /** The time of the change that led to this version. */
  updatedAt: Date;
}

/** What receivers are told of the order's vendor. */
export interface VendorSnapshot {
  vendorId: string;
  vendorName: string;
  mobile: string;
  businessAddress: string;
  selectedServices: string[];
}
