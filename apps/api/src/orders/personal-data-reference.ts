import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf } from '../schemas/answer-schemas.ts';
import { OperatorsOrder } from './schemas.ts';

export const ERASE_PERSONAL_DATA: RouteReference = {
  audience: 'operator',
  tag: 'Operators: orders',
  operationId: 'erasePersonalData',
  summary: "Erase an order's personal data",
  description: `Overwrites, in the order, in the frozen bodies of its webhooks (which the events feed shows, too) and in
what is kept of its deliveries: the person's name and phone, addresses with their coordinates, the notes of both
sides, reasons somebody wrote, the description in the item of a service order, metadata other than \`orderType\`,
\`workType\` and \`urgency\`, and what receivers answered. Texts become \`[erased]\`, coordinates \`[0, 0]\`.

Kept are statuses, times, money, the items of a full order, the vendor's business data, and \`customerId\`: it is the
customer server's own reference.

While a delivery of the order is open the answer is 409 \`delivery_not_finished\`. Afterwards its deliveries cannot be
resent (409 \`personal_data_erased\`), and a replay leaves them out. An order that is still open is erased as well and
goes on without its address: cancel it first if nobody is to work on it. What is said about it later is erased by
asking again.

Log files are not touched; they hold no personal data. Backups are yours to expire.`,
  answers: {
    200: {
      description: 'The order as it is now. Also when it had been erased before.',
      schema: answerOf(OperatorsOrder),
      example: {
        ok: true,
        data: {
          orderId: '018c343d1f40a1b2c3d4e5f6',
          customerId: 'customer-123',
          status: 'completed',
          updatedAt: '2023-12-04T11:30:00.000Z',
          orderData: {
            fare: 250,
            paymentMethod: 'cod',
            paymentStatus: 'paid',
            pickup: { address: '[erased]', coordinates: [0, 0] },
            drop: { address: '[erased]', coordinates: [0, 0] },
            items: [{ title: 'electronics_repair: [erased]', qty: 1, price: 250 }],
            customerNotes: '[erased]',
            vendorNotes: null,
            scheduledAt: null,
            assignedAt: '2023-12-04T10:25:00.000Z',
            acceptedAt: '2023-12-04T10:30:00.000Z',
            completedAt: '2023-12-04T11:30:00.000Z',
            cancelledAt: null,
            cancellationReason: null,
            cancelledBy: null,
            createdAt: '2023-12-04T10:20:00.000Z',
            metadata: {
              orderType: 'service',
              workType: 'electronics_repair',
              customerName: '[erased]',
              customerPhone: '[erased]',
              urgency: 'normal',
            },
            customerId: 'customer-123',
          },
          vendorDetails: {
            vendorId: '018c3430aa00a1b2c3d4e5f7',
            vendorName: 'Tech Repair Services',
            mobile: '+918765432109',
            businessAddress: '789 Service Lane, City',
            selectedServices: ['electronics_repair'],
          },
          version: 6,
          customerServerId: '018c3430aa00a1b2c3d4e5f6',
        },
      },
    },
  },
  errors: ['not_found', 'delivery_not_finished'],
};
