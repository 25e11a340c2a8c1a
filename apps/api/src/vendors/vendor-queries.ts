import type { Database } from '@vendor-server/platform/database/create-database.ts';
import type { Vendor } from '@vendor-server/platform/generated/prisma/client.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import { afterPosition, NEWEST_FIRST, type Page, type PageRequest, toPage } from '../plugins/paging.ts';
import type { VendorCreateBody, VendorPatchBody } from './vendor-schemas.ts';

type Prisma = Database['prisma'];

export function findVendor(prisma: Prisma, vendorId: string): Promise<Vendor | null> {
  return prisma.vendor.findUnique({ where: { id: vendorId } });
}

export async function listVendors(prisma: Prisma, { limit, after }: PageRequest): Promise<Page<Vendor>> {
  const rows = await prisma.vendor.findMany({
    where: afterPosition(after),
    orderBy: NEWEST_FIRST,
    take: limit + 1,
  });
  return toPage(rows, limit, (vendor) => ({ at: vendor.createdAt, id: vendor.id }));
}

/** @param apiKey in the clear; only its hash is kept */
export function insertVendor(prisma: Prisma, vendor: VendorCreateBody, apiKey: string): Promise<Vendor> {
  return prisma.vendor.create({
    data: {
      id: createId(),
      vendorName: vendor.vendorName,
      mobile: vendor.mobile,
      businessAddress: vendor.businessAddress ?? '',
      selectedServices: withoutRepeats(vendor.selectedServices ?? []),
      apiKeyHash: hashSecret(apiKey),
    },
  });
}

/** Changes the fields that are present. @returns null when there is no such vendor */
export async function updateVendor(
  prisma: Prisma,
  vendorId: string,
  patch: VendorPatchBody,
): Promise<Vendor | null> {
  const { vendorName, mobile, businessAddress, selectedServices } = patch;
  const [vendor] = await prisma.vendor.updateManyAndReturn({
    where: { id: vendorId },
    data: {
      ...(typeof vendorName === 'string' && { vendorName }),
      ...(typeof mobile === 'string' && { mobile }),
      ...(typeof businessAddress === 'string' && { businessAddress }),
      ...(Array.isArray(selectedServices) && { selectedServices: withoutRepeats(selectedServices) }),
      updatedAt: new Date(),
    },
  });
  return vendor ?? null;
}

/** From then on only the new key is accepted. @returns null when there is no such vendor */
export async function replaceApiKey(
  prisma: Prisma,
  vendorId: string,
  apiKey: string,
): Promise<Vendor | null> {
  const [vendor] = await prisma.vendor.updateManyAndReturn({
    where: { id: vendorId },
    data: { apiKeyHash: hashSecret(apiKey), updatedAt: new Date() },
  });
  return vendor ?? null;
}

function withoutRepeats(services: readonly string[]): string[] {
  return [...new Set(services)];
}
