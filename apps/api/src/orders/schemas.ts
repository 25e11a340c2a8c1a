/** An order as its readers see it. */
import { PAYMENT_METHODS } from '@vendor-server/domain/orders/order.ts';
import Type from 'typebox';
import { nullable, timeField } from '../deliveries/schemas.ts';
import { idField, Status } from '../schemas/common-schemas.ts';

const Place = Type.Object(
  {
    address: Type.String(),
    coordinates: Type.Tuple([Type.Number(), Type.Number()], { description: '`[longitude, latitude]`' }),
  },
  { additionalProperties: false },
);

const Item = Type.Object(
  { title: Type.String(), qty: Type.Integer(), price: Type.Number() },
  { additionalProperties: false },
);

const OrderData = Type.Object(
  {
    fare: Type.Number(),
    paymentMethod: Type.Enum([...PAYMENT_METHODS]),
    paymentStatus: Type.Enum(['pending', 'paid']),
    pickup: Place,
    drop: Place,
    items: Type.Array(Item),
    customerNotes: nullable(Type.String()),
    vendorNotes: nullable(Type.String()),
    scheduledAt: nullable(timeField('When the work is to be done.')),
    assignedAt: nullable(timeField('When the order got its vendor.')),
    acceptedAt: nullable(timeField('When its vendor accepted.')),
    completedAt: nullable(timeField('When it was completed.')),
    cancelledAt: nullable(timeField('When it was cancelled.')),
    cancellationReason: nullable(Type.String()),
    cancelledBy: nullable(Type.Enum(['customer', 'vendor', 'admin'])),
    createdAt: timeField('When it was created.'),
    metadata: Type.Record(Type.String(), Type.Unknown()),
    customerId: Type.String({ description: "The customer server's own reference to a person." }),
  },
  { additionalProperties: false },
);

const VendorDetails = Type.Object(
  {
    vendorId: idField('Our id of the vendor.'),
    vendorName: Type.String(),
    mobile: Type.String(),
    businessAddress: Type.String(),
    selectedServices: Type.Array(Type.String()),
  },
  { additionalProperties: false },
);

const order = {
  orderId: idField('The order.'),
  customerId: Type.String({ description: "The customer server's own reference to a person." }),
  status: Status,
  updatedAt: timeField('When the status last changed.'),
  orderData: OrderData,
  vendorDetails: nullable(VendorDetails),
  version: Type.Integer({ minimum: 1, description: '1 at creation, one more with every change.' }),
};

export const OrderResource = Type.Object(order, { additionalProperties: false });

/** An order as operators see it: with whose it is. */
export const OperatorsOrder = Type.Object(
  { ...order, customerServerId: idField('The customer server that created it.') },
  { additionalProperties: false },
);
