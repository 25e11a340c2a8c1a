import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import { EXAMPLE_VENDOR } from './example-vendor.ts';
import { OperatorsVendorSchema, VendorWithKeySchema } from './vendor-schemas.ts';

const operators = { audience: 'operator', tag: 'Operators: vendors' } as const;

const vendor = { ...EXAMPLE_VENDOR, externalVendorId: null, hasApiKey: true };

const theVendor = {
  description: 'The vendor.',
  schema: answerOf(OperatorsVendorSchema),
  example: { ok: true, data: vendor },
};

const withKey = {
  description: 'The vendor and its API key, which is shown this once.',
  schema: answerOf(VendorWithKeySchema),
  example: { ok: true, data: { ...vendor, apiKey: 'example-api-key-shown-once' } },
};

export const listVendorsReference: RouteReference = {
  ...operators,
  operationId: 'listVendors',
  summary: 'List vendors',
  answers: {
    200: {
      description: 'A page of vendors.',
      schema: pageOf(OperatorsVendorSchema),
      example: { ok: true, data: [vendor], nextCursor: null },
    },
  },
};

export const createVendorReference: RouteReference = {
  ...operators,
  operationId: 'createVendor',
  summary: 'Create a vendor',
  bodyExamples: {
    'a vendor': {
      vendorName: 'Tech Repair Services',
      mobile: '+918765432109',
      businessAddress: '789 Service Lane, City',
      selectedServices: ['electronics_repair', 'appliance_repair'],
    },
  },
  answers: { 201: withKey },
  validationExample: ['vendorName is required', 'mobile is required'],
};

export const getVendorReference: RouteReference = {
  ...operators,
  operationId: 'getVendor',
  summary: 'Read a vendor',
  answers: { 200: theVendor },
};

export const updateVendorReference: RouteReference = {
  ...operators,
  operationId: 'updateVendor',
  summary: 'Change a vendor',
  description: 'Only fields that are present and not null change.',
  bodyExamples: { services: { selectedServices: ['electronics_repair'] } },
  answers: { 200: theVendor },
};

export const rotateVendorKeyReference: RouteReference = {
  ...operators,
  operationId: 'rotateVendorKey',
  summary: "Replace a vendor's API key",
  description:
    'The old one is refused at once (by further API processes within a second), and streams that were opened with it end.',
  answers: { 200: withKey },
};
