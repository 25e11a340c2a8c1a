import type { OrderItem, OrderSnapshot, PaymentMethod, Place } from './order.ts';
import { workTypeOf } from './work-type-of.ts';

/** The body integrators send: one piece of work at one place. Validated, defaults not yet applied. */
export interface ServiceOrderInput {
  customerId: string;
  customerName: string;
  customerPhone: string;
  customerAddress: string;
  workType: string;
  description: string;
  location: { latitude: number; longitude: number };
  /** Money; default 0. */
  estimatedPrice?: number | undefined;
  /** Default `normal`. */
  urgency?: string | undefined;
  /** Default `cod`. */
  paymentMethod?: PaymentMethod | undefined;
  scheduledAt?: Date | null | undefined;
  metadata?: Record<string, unknown> | undefined;
}

/** The body that is recognised by its `items`. Validated, defaults not yet applied. */
export interface FullOrderInput {
  customerId: string;
  pickup: Place;
  drop: Place;
  items: OrderItem[];
  /** Money. */
  fare: number;
  /** Default `cod`. */
  paymentMethod?: PaymentMethod | undefined;
  customerNotes?: string | null | undefined;
  scheduledAt?: Date | null | undefined;
  metadata?: Record<string, unknown> | undefined;
}

type Contents = Pick<
  OrderSnapshot,
  'customerId' | 'fare' | 'paymentMethod' | 'pickup' | 'drop' | 'items' | 'customerNotes' | 'metadata'
>;

/**
 * The first version of an order: `pending`, without a vendor, caused by its customer server. Fields that the
 * input types do not name are left out, also inside places and items.
 */
export function buildNewOrder(
  input: ServiceOrderInput | FullOrderInput,
  ids: { orderId: string; customerServerId: string },
  now: Date,
): OrderSnapshot {
  return {
    orderId: ids.orderId,
    customerServerId: ids.customerServerId,
    ...('items' in input ? fromFullOrder(input) : fromServiceOrder(input)),
    status: 'pending',
    version: 1,
    statusActor: { type: 'customer_server', id: ids.customerServerId },
    vendorId: null,
    paymentStatus: 'pending',
    vendorNotes: null,
    scheduledAt: input.scheduledAt ?? null,
    assignedAt: null,
    acceptedAt: null,
    completedAt: null,
    cancelledAt: null,
    cancellationReason: null,
    cancelledBy: null,
    personalDataErasedAt: null,
    createdAt: now,
    updatedAt: now,
  };
}

/** What `workTypeOf` says of the order that is built from the input. */
export function workTypeOfInput(input: ServiceOrderInput | FullOrderInput): string | null {
  return 'items' in input ? workTypeOf({ metadata: input.metadata ?? {} }) : input.workType;
}

function fromFullOrder(input: FullOrderInput): Contents {
  return {
    customerId: input.customerId,
    fare: input.fare,
    paymentMethod: input.paymentMethod ?? 'cod',
    pickup: toPlace(input.pickup),
    drop: toPlace(input.drop),
    items: input.items.map(({ title, qty, price }) => ({ title, qty, price })),
    customerNotes: input.customerNotes ?? null,
    metadata: input.metadata ?? {},
  };
}

function fromServiceOrder(input: ServiceOrderInput): Contents {
  const fare = input.estimatedPrice ?? 0;
  const place: Place = {
    address: input.customerAddress,
    coordinates: [input.location.longitude, input.location.latitude],
  };
  return {
    customerId: input.customerId,
    fare,
    paymentMethod: input.paymentMethod ?? 'cod',
    pickup: toPlace(place),
    drop: toPlace(place),
    items: [{ title: `${input.workType}: ${input.description}`, qty: 1, price: fare }],
    customerNotes: input.description,
    metadata: {
      ...input.metadata,
      orderType: 'service',
      workType: input.workType,
      customerName: input.customerName,
      customerPhone: input.customerPhone,
      urgency: input.urgency ?? 'normal',
    },
  };
}

function toPlace({ address, coordinates: [longitude, latitude] }: Place): Place {
  return { address, coordinates: [longitude, latitude] };
}
