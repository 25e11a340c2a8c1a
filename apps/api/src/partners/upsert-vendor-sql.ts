import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

export type ReportedVendor = {
  /** The partner's id of the vendor. */
  externalId: string;
  vendorName: string | null;
  mobile: string | null;
  businessAddress: string | null;
  selectedServices: string[] | null;
};

/**
 * Makes the vendor, or changes the fields that are not null, in one statement: of two first reports at once
 * one makes the vendor and the other changes it.
 *
 * @param newId the vendor's id if it is new
 * @returns our id of the vendor, and whether it is new
 */
export async function upsertReportedVendor(
  executor: SqlExecutor,
  newId: string,
  vendor: ReportedVendor,
): Promise<{ vendorId: string; isNew: boolean }> {
  const { rows } = await executor.query<{ id: string }>({
    name: 'upsert-reported-vendor',
    text: `
      insert into vendors (id, external_id, vendor_name, mobile, business_address, selected_services)
      values ($1, $2, coalesce($3, ''), coalesce($4, ''), coalesce($5, ''), coalesce($6::text[], '{}'))
      on conflict (external_id) do update set
        vendor_name = coalesce($3, vendors.vendor_name),
        mobile = coalesce($4, vendors.mobile),
        business_address = coalesce($5, vendors.business_address),
        selected_services = coalesce($6::text[], vendors.selected_services),
        updated_at = date_trunc('milliseconds', now())
      returning id`,
    values: [
      newId,
      vendor.externalId,
      vendor.vendorName,
      vendor.mobile,
      vendor.businessAddress,
      vendor.selectedServices,
    ],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('an upsert of a vendor returned no row');
  return { vendorId: row.id, isNew: row.id === newId };
}
