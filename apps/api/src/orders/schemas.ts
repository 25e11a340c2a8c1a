/** An order as its readers see it, and as webhooks carry it. */
import { PAYMENT_METHODS } from '@vendor-server/domain/orders/order.ts';
import { ORDER_STATUSES, type OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import Type from 'typebox';
import { moneyField, nullable, timeField } from '../schemas/answer-schemas.ts';
import { idField } from '../schemas/common-schemas.ts';

/** The integration guide's "Status Values". */
const STATUS_MEANINGS: Readonly<Record<OrderStatus, string>> = {
  pending: 'created, waiting for a vendor',
  assigned: 'given to a vendor',
  accepted: 'the vendor accepted it',
  in_progress: 'the vendor is working on it',
  payment_requested: 'the vendor asked for the payment',
  payment_confirmed: 'the payment was confirmed',
  arrival_confirmed: 'the vendor is at the place',
  completed: 'done',
  cancelled: 'cancelled by the customer, the vendor or an admin',
};

export const OrderStatusField = Type.Enum([...ORDER_STATUSES], {
  title: 'OrderStatus',
  description: ORDER_STATUSES.map((status) => `- \`${status}\`: ${STATUS_MEANINGS[status]}`).join('\n'),
});

const Place = Type.Object(
  {
    address: Type.String(),
    coordinates: Type.Tuple(
      [Type.Number({ minimum: -180, maximum: 180 }), Type.Number({ minimum: -90, maximum: 90 })],
      { description: '`[longitude, latitude]` in degrees.' },
    ),
  },
  { title: 'Place' },
);

export const OrderItemField = Type.Object(
  {
    title: Type.String(),
    qty: Type.Integer({ minimum: 1 }),
    price: moneyField('Of one.'),
  },
  { title: 'OrderItem' },
);

const OrderData = Type.Object(
  {
    fare: moneyField('What the customer pays.'),
    paymentMethod: Type.Enum([...PAYMENT_METHODS]),
    paymentStatus: Type.Enum(['pending', 'paid']),
    pickup: Place,
    drop: Place,
    items: Type.Array(OrderItemField),
    customerNotes: nullable(Type.String()),
    vendorNotes: nullable(Type.String()),
    scheduledAt: nullable(timeField('When the work is wanted.')),
    assignedAt: nullable(timeField('When the present vendor got it.')),
    acceptedAt: nullable(timeField('When the present vendor accepted it.')),
    completedAt: nullable(timeField('When it was completed.')),
    cancelledAt: nullable(timeField('When it was cancelled.')),
    cancellationReason: nullable(Type.String()),
    cancelledBy: nullable(Type.Enum(['customer', 'vendor', 'admin'])),
    createdAt: timeField('When it was created.'),
    metadata: Type.Record(Type.String(), Type.Unknown(), {
      description: 'As it was sent; for a service order with `orderType`, `workType` and the contact data.',
    }),
    customerId: Type.String({ description: "The customer server's own reference to a person." }),
  },
  { title: 'OrderData' },
);

export const VendorDetails = Type.Object(
  {
    vendorId: idField('Our id of the vendor, also for vendors that a partner reports for.'),
    vendorName: Type.String(),
    mobile: Type.String(),
    businessAddress: Type.String(),
    selectedServices: Type.Array(Type.String()),
  },
  { title: 'VendorDetails' },
);

const order = {
  orderId: idField('Given at creation.'),
  customerId: Type.String({ description: "The customer server's own reference to a person." }),
  status: OrderStatusField,
  updatedAt: timeField('The time of the change that led to this version.'),
  orderData: OrderData,
  vendorDetails: nullable(VendorDetails),
  version: Type.Integer({ minimum: 1, description: '1 at creation, raised by 1 with every change.' }),
};

export const OrderResource = Type.Object(order, { title: 'Order' });

/** As operators read it. */
export const OperatorsOrder = Type.Object(
  { ...order, customerServerId: idField('Whose order it is.') },
  { title: 'OrderOfAnyCustomerServer' },
);

export const WebhookBody = Type.Object(
  {
    ...order,
    previousStatus: Type.Union([OrderStatusField, Type.Null()], {
      description: 'The status before the change; null at creation.',
    }),
  },
  { title: 'OrderStatusChanged' },
);

export const NewOrderAnswer = Type.Object({
  ok: Type.Literal(true),
  message: Type.Literal('Order created successfully'),
  data: Type.Object({
    orderId: idField('The new order.'),
    status: Type.Literal('pending'),
    broadcast: Type.Object({
      success: Type.Boolean({
        description: 'False when no vendor was online for it. The order exists anyway.',
      }),
      notifiedVendors: Type.Integer({ minimum: 0, description: 'Online vendors it was offered to.' }),
      failedNotifications: Type.Integer({ minimum: 0 }),
    }),
  }),
});
