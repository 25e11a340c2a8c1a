import Type from 'typebox';
import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import { CustomerServerResource } from './schemas.ts';

const customerServer = {
  customerServerId: '64a7b2c8f9e4d1a2b3c4d5e8',
  name: 'Example customer server',
  isDefault: false,
  endpoints: [
    {
      endpointId: '64a7b2c8f9e4d1a2b3c4d5e9',
      url: 'https://your-customer-server.com/api/vendor/order-updates',
      statuses: null,
      mode: 'every_step',
      state: 'active',
    },
  ],
  createdAt: '2023-12-01T09:00:00.000Z',
  updatedAt: '2023-12-01T09:00:00.000Z',
};

const example = { ok: true, data: customerServer };

export const getMeReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Account',
  operationId: 'getMe',
  summary: 'Read yourself and your endpoints',
  answers: {
    200: {
      description: 'The calling customer server.',
      schema: answerOf(CustomerServerResource),
      example,
    },
  },
  errors: ['not_found'],
};

const operators = { audience: 'operator', tag: 'Operators: customer servers' } as const;

export const listCustomerServersReference: RouteReference = {
  ...operators,
  operationId: 'listCustomerServers',
  summary: 'List customer servers',
  answers: {
    200: {
      description: 'A page of customer servers.',
      schema: pageOf(CustomerServerResource),
      example: { ok: true, data: [customerServer], nextCursor: null },
    },
  },
};

export const createCustomerServerReference: RouteReference = {
  ...operators,
  operationId: 'createCustomerServer',
  summary: 'Create a customer server',
  description:
    'With a `webhookUrl` it gets its default endpoint, which is told of every status, and whose webhooks carry the ' +
    'secret in `x-vendor-server-secret` besides the signature.',
  bodyExamples: {
    'with an endpoint': {
      name: 'Example customer server',
      webhookUrl: 'https://your-customer-server.com/api/vendor/order-updates',
    },
  },
  answers: {
    201: {
      description: 'Created. Its secrets are shown this once.',
      schema: answerOf(
        Type.Object({
          customerServerId: CustomerServerResource.properties.customerServerId,
          name: Type.String(),
          secret: Type.String({ description: 'What it proves itself with, and what its webhooks carry.' }),
          endpoint: Type.Optional(
            Type.Object({
              endpointId: Type.String(),
              url: Type.String(),
              signingSecret: Type.String({ description: 'What its webhooks are signed with: `whsec_…`.' }),
            }),
          ),
        }),
      ),
      example: {
        ok: true,
        data: {
          customerServerId: customerServer.customerServerId,
          name: 'Example customer server',
          secret: 'example-secret-shown-once',
          endpoint: {
            endpointId: '64a7b2c8f9e4d1a2b3c4d5e9',
            url: 'https://your-customer-server.com/api/vendor/order-updates',
            signingSecret: 'whsec_ZXhhbXBsZS1zaWduaW5nLXNlY3JldC1vZi0zMi1i',
          },
        },
      },
    },
  },
  validationExample: ['name is required'],
};

export const getCustomerServerReference: RouteReference = {
  ...operators,
  operationId: 'getCustomerServer',
  summary: 'Read a customer server',
  answers: {
    200: { description: 'The customer server.', schema: answerOf(CustomerServerResource), example },
  },
};

export const updateCustomerServerReference: RouteReference = {
  ...operators,
  operationId: 'updateCustomerServer',
  summary: 'Rename a customer server',
  bodyExamples: { 'a name': { name: 'Example customer server' } },
  answers: {
    200: { description: 'The customer server.', schema: answerOf(CustomerServerResource), example },
  },
};
