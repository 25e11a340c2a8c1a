import Type from 'typebox';
import { EXAMPLE_ORDER } from '../orders/example-order.ts';
import { WebhookBody } from '../orders/schemas.ts';
import type { RouteReference } from '../reference/route-reference.ts';

const EventsPage = Type.Object(
  {
    ok: Type.Literal(true),
    data: Type.Array(WebhookBody, { description: 'Oldest first.' }),
    nextCursor: Type.String({
      description:
        'Keep it: the next request takes it as `after`. On an empty page it is the `after` that you sent.',
    }),
  },
  { additionalProperties: false },
);

export const eventsReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Events feed',
  operationId: 'listEvents',
  summary: 'Read every status change in order',
  description: `Every status change of your orders, as the body of the webhook that told of it, oldest first: for a receiver
that was down, or to check that nothing is missing. It does not depend on endpoints and their filters.

Begin without \`after\`; then ask with \`after\` set to the last \`nextCursor\`, which is never null, for as long as you
like. Nothing is skipped and nothing comes twice, also while orders change. Changes of one order come in the order of
their \`version\`; otherwise the order is that in which they were recorded, which is not exactly that of \`updatedAt\`.
A page holds fewer than \`limit\` events when they are large; it is empty only at the end.

When events after your cursor were removed because they are older than what is kept, the answer is 410
\`cursor_expired\`, and its \`oldestCursor\` is where the feed is complete from. Without \`after\` the feed begins there.`,
  answers: {
    200: {
      description: 'The next events.',
      schema: EventsPage,
      example: { ok: true, data: [{ ...EXAMPLE_ORDER, previousStatus: 'assigned' }], nextCursor: 'ZjE3' },
    },
  },
  errors: ['cursor_expired'],
};
