import { EXAMPLE_VENDOR_DETAILS } from '../orders/example-order.ts';

/** The vendor of the integration guide's order, as it reads itself. */
export const EXAMPLE_VENDOR = {
  ...EXAMPLE_VENDOR_DETAILS,
  online: true,
  onlineUntil: '2023-12-04T10:31:30.000Z',
  location: { latitude: 28.71, longitude: 77.11 },
  createdAt: '2023-11-20T08:00:00.000Z',
  updatedAt: '2023-12-04T10:30:00.000Z',
};
