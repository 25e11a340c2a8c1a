import type { Vendor } from '@vendor-server/platform/generated/prisma/client.ts';

export type VendorResource = {
  vendorId: string;
  vendorName: string;
  mobile: string;
  businessAddress: string;
  selectedServices: string[];
  online: boolean;
  /** When it counts as offline unless renewed; null when it is offline by its own word. */
  onlineUntil: string | null;
  location: { latitude: number; longitude: number } | null;
  createdAt: string;
  updatedAt: string;
};

/** A vendor as it sees itself. `now` only decides what `online` shows: offers go by the database's clock. */
export function toVendorResource(vendor: Vendor, now: Date): VendorResource {
  const { onlineUntil, latitude, longitude } = vendor;
  return {
    vendorId: vendor.id,
    vendorName: vendor.vendorName,
    mobile: vendor.mobile,
    businessAddress: vendor.businessAddress,
    selectedServices: vendor.selectedServices,
    online: onlineUntil !== null && onlineUntil > now,
    onlineUntil: onlineUntil?.toISOString() ?? null,
    location: latitude === null || longitude === null ? null : { latitude, longitude },
    createdAt: vendor.createdAt.toISOString(),
    updatedAt: vendor.updatedAt.toISOString(),
  };
}

export type OperatorVendorResource = VendorResource & {
  /** The id a partner knows it by; null for vendors that no partner reports for. */
  externalVendorId: string | null;
  hasApiKey: boolean;
};

/** A vendor as operators see it. */
export function toOperatorVendorResource(vendor: Vendor, now: Date): OperatorVendorResource {
  return {
    ...toVendorResource(vendor, now),
    externalVendorId: vendor.externalId,
    hasApiKey: vendor.apiKeyHash !== null,
  };
}
