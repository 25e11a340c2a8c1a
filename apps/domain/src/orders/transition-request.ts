import type { ErrorCode } from '../errors/error-codes.ts';
import type { Actor } from './actor.ts';
import type { OrderSnapshot } from './order.ts';
import type { OrderStatus } from './order-status.ts';
import type { TransitionAction } from './transition-table.ts';

interface CommonRequest {
  /** The asked status; an action that does not lead there is refused. */
  to: OrderStatus;
  actor: Actor;
  /** Recorded with the change; of a cancellation also as `cancellationReason`. */
  reason?: string | null | undefined;
  /** Replaces the order's vendor notes when present. */
  vendorNotes?: string | undefined;
}

/** An operator gives a pending order to a vendor that exists. */
export interface AssignRequest extends CommonRequest {
  action: 'assign';
  /** Our id of the vendor. */
  vendorId: string;
}

/** A vendor takes an order that is offered or assigned to it. */
export interface AcceptRequest extends CommonRequest {
  action: 'accept';
  /**
   * The order's work is among the vendor's services and the vendor has not declined it, whatever the order's
   * status and the vendor's presence are now.
   */
  isOffered: boolean;
  isOnline: boolean;
}

/** A vendor asks for payment. */
export interface RequestPaymentRequest extends CommonRequest {
  action: 'request_payment';
  /** The new fare: money, at most 2 decimals. */
  amount?: number | undefined;
}

/** A partner reports what a vendor did. */
export interface PartnerReportRequest extends CommonRequest {
  action: 'partner_report';
  /** Our id of the vendor that the report is about. */
  vendorId: string;
}

/** Every other action of the table: it needs no more than a status and an actor. */
export interface PlainRequest extends CommonRequest {
  action: Exclude<TransitionAction, 'create' | 'assign' | 'accept' | 'request_payment' | 'partner_report'>;
}

/** What somebody asks to be done with an order. */
export type TransitionRequest =
  | AssignRequest
  | AcceptRequest
  | RequestPaymentRequest
  | PartnerReportRequest
  | PlainRequest;

/** What to write and announce for a request, or why not. */
export type TransitionDecision =
  | {
      kind: 'changed';
      /** The order to write, guarded by the version it was decided on. */
      next: OrderSnapshot;
      from: OrderStatus;
      reason: string | null;
    }
  /** The order already is what was asked for: answer with success, write nothing. */
  | { kind: 'unchanged' }
  | { kind: 'refused'; code: ErrorCode; message: string };
