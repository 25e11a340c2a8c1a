import type { Administered } from './add-customer-server.ts';
import { type Caller, createCaller } from './create-caller.ts';

/** A vendor that no other test uses: online, and offered every order. */
export interface TestVendor extends Caller {
  readonly vendorId: string;
  readonly apiKey: string;
}

export const VENDOR_PROFILE = {
  vendorName: 'Tech Repair Services',
  mobile: '+918765432109',
  businessAddress: '789 Service Lane, City',
  selectedServices: ['electronics_repair', 'appliance_repair'],
};

export async function addVendor(system: Administered): Promise<TestVendor> {
  const { vendorId, apiKey } = await system.operator.ask<{ vendorId: string; apiKey: string }>(
    'POST',
    '/api/admin/vendors',
    VENDOR_PROFILE,
  );
  const caller = createCaller(system.apiUrl, { authorization: `Bearer ${apiKey}` });
  await caller.ask('PUT', '/api/vendor/presence', { online: true });
  return { ...caller, vendorId, apiKey };
}
