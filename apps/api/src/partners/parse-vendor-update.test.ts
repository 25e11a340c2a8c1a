import { describe, expect, test } from 'vitest';
import { parseVendorUpdate } from './parse-vendor-update.ts';

/** As published to partners, in order of precedence. */
const SPELLINGS = {
  vendorId: ['vendorId', 'id', 'vendor_id', 'vendor_id_str'],
  vendorName: ['vendorName', 'name', 'vendor_name'],
  vendorPhone: ['vendorPhone', 'phone', 'mobile'],
  vendorAddress: ['vendorAddress', 'address', 'addr'],
  serviceType: ['serviceType', 'service', 'type'],
  assignedOrderId: ['assignedOrderId', 'orderId', 'order_id', 'assigned_order'],
  status: ['status', 'state', 'vendorStatus'],
} as const;

const STATUS_RULE = 'status must be one of [accepted, rejected, enroute, completed, cancelled]';

const spellingCases = Object.entries(SPELLINGS).flatMap(([field, spellings]) =>
  spellings.map((spelling, index) => ({ field, spelling, weaker: spellings.slice(index + 1) })),
);

describe('spellings', () => {
  test.each(spellingCases)('$spelling is $field, whatever $weaker say', ({ field, spelling, weaker }) => {
    const value = field === 'status' ? 'enroute' : 'the-value';
    const others = Object.fromEntries(
      weaker.map((name) => [name, field === 'status' ? 'accepted' : 'other']),
    );
    // Weaker spellings come first in the body: its order must not matter.
    const body = { ...others, ...(field === 'vendorId' ? {} : { vendorId: 'V-1' }), [spelling]: value };
    expect(parseVendorUpdate(body).update).toEqual({ vendorId: 'V-1', [field]: value });
  });

  test('a spelling that is null gives way to the next one', () => {
    expect(parseVendorUpdate({ vendorId: null, id: 'V-1', name: null }).update).toEqual({ vendorId: 'V-1' });
  });

  test('the first present spelling decides, also when it is wrong', () => {
    expect(parseVendorUpdate({ vendorId: '', id: 'V-1' }).details).toEqual(['vendorId cannot be empty']);
    expect(parseVendorUpdate({ vendorId: 'V-1', status: 'unknown', state: 'enroute' }).details).toEqual([
      STATUS_RULE,
    ]);
  });

  test('inherited names are no spellings', () => {
    expect(parseVendorUpdate(Object.create({ vendorId: 'V-1' }) as Record<string, unknown>).details).toEqual([
      'vendorId is required',
    ]);
  });
});

describe('faults', () => {
  test.each<[Record<string, unknown>, string[]]>([
    [{}, ['vendorId is required']],
    [{ vendorId: null }, ['vendorId is required']],
    [{ vendorId: '' }, ['vendorId cannot be empty']],
    [{ vendorId: ' \t' }, ['vendorId cannot be empty']],
    [{ vendor_id: 7 }, ['vendorId must be a string']],
    [{ vendorId: 'x'.repeat(201) }, ['vendorId must be at most 200 characters long']],
    [{ vendorId: 'V-1', name: 7 }, ['vendorName must be a string']],
    [{ vendorId: 'V-1', name: 'x'.repeat(201) }, ['vendorName must be at most 200 characters long']],
    [{ vendorId: 'V-1', phone: {} }, ['vendorPhone must be a string']],
    [{ vendorId: 'V-1', phone: '1'.repeat(41) }, ['vendorPhone must be at most 40 characters long']],
    [{ vendorId: 'V-1', addr: [] }, ['vendorAddress must be a string']],
    [{ vendorId: 'V-1', addr: 'x'.repeat(501) }, ['vendorAddress must be at most 500 characters long']],
    [{ vendorId: 'V-1', service: true }, ['serviceType must be a string']],
    [{ vendorId: 'V-1', service: '' }, ['serviceType cannot be empty']],
    [{ vendorId: 'V-1', type: 'x'.repeat(101) }, ['serviceType must be at most 100 characters long']],
    [{ vendorId: 'V-1', order_id: 12 }, ['assignedOrderId must be a string']],
    [{ vendorId: 'V-1', order_id: '' }, ['assignedOrderId cannot be empty']],
    [{ vendorId: 'V-1', order_id: 'x'.repeat(201) }, ['assignedOrderId must be at most 200 characters long']],
    [{ vendorId: 'V-1', status: 'done' }, [STATUS_RULE]],
    [{ vendorId: 'V-1', status: 'ACCEPTED' }, [STATUS_RULE]],
    [{ vendorId: 'V-1', status: '' }, [STATUS_RULE]],
    [{ vendorId: 'V-1', state: 1 }, [STATUS_RULE]],
    [{ name: 1, status: 'x' }, ['vendorId is required', 'vendorName must be a string', STATUS_RULE]],
  ])('%j', (body, details) => {
    expect(parseVendorUpdate(body)).toEqual({ details });
  });

  test.each(['accepted', 'rejected', 'enroute', 'completed', 'cancelled'])('%s is a status', (status) => {
    expect(parseVendorUpdate({ vendorId: 'V-1', status }).update).toEqual({ vendorId: 'V-1', status });
  });

  test('name, phone and address may be cleared', () => {
    const body = { vendorId: 'V-1', name: '', phone: '', addr: '' };
    expect(parseVendorUpdate(body).update).toEqual({
      vendorId: 'V-1',
      vendorName: '',
      vendorPhone: '',
      vendorAddress: '',
    });
  });
});
