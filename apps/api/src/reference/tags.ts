import type { ReferenceTag } from './route-reference.ts';

/** What each chapter is about, in Markdown. */
export const TAG_DESCRIPTIONS: Readonly<Record<ReferenceTag, string>> = {
  Orders: 'Creating orders, reading them, and what a customer server may change about them.',
  'Webhook endpoints': 'Where a customer server is told of the changes of its orders, and a test of it.',
  Deliveries: 'What was sent to which endpoint, what came back, and sending it again.',
  'Events feed': 'Every change of your orders to be read from a position on: for reconciliation.',
  Account: 'The calling customer server itself.',
  Partners: 'Partner systems report what their vendors do.',
  Vendors: 'A vendor, its presence, and its own orders.',
  Offers: 'Pending orders that a vendor may take, as a list and as a stream.',
  'Operators: orders': 'Orders of every customer server.',
  'Operators: deliveries': 'Deliveries and webhook endpoints of every customer server.',
  'Operators: customer servers': 'The customer servers of this installation and their secrets.',
  'Operators: vendors': 'The vendors of this installation and their API keys.',
  Health: 'For whoever runs the processes.',
  'API reference': 'This document.',
};

/** How the chapters are put together for a reader, by who reads them. */
export const TAG_GROUPS: readonly { readonly name: string; readonly tags: readonly ReferenceTag[] }[] = [
  {
    name: 'Customer servers',
    tags: ['Orders', 'Webhook endpoints', 'Deliveries', 'Events feed', 'Account'],
  },
  { name: 'Partners', tags: ['Partners'] },
  { name: 'Vendors', tags: ['Vendors', 'Offers'] },
  {
    name: 'Operators',
    tags: [
      'Operators: orders',
      'Operators: deliveries',
      'Operators: customer servers',
      'Operators: vendors',
      'Health',
      'API reference',
    ],
  },
];
