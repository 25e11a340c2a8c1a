import type {
  CustomerServer,
  Prisma,
  PrismaClient,
  WebhookEndpoint,
} from '@vendor-server/platform/generated/prisma/client.ts';
import { afterPosition, NEWEST_FIRST, type Page, type PageRequest, toPage } from '../plugins/paging.ts';

/** A customer server with its endpoints, oldest first, without the deleted ones. */
export type CustomerServerWithEndpoints = CustomerServer & { endpoints: WebhookEndpoint[] };

const WITH_ENDPOINTS = {
  endpoints: { where: { deletedAt: null }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
} as const satisfies Prisma.CustomerServerInclude;

export function findCustomerServer(
  prisma: PrismaClient,
  customerServerId: string,
): Promise<CustomerServerWithEndpoints | null> {
  return prisma.customerServer.findUnique({ where: { id: customerServerId }, include: WITH_ENDPOINTS });
}

export async function listCustomerServers(
  prisma: PrismaClient,
  { limit, after }: PageRequest,
): Promise<Page<CustomerServerWithEndpoints>> {
  const rows = await prisma.customerServer.findMany({
    where: afterPosition(after),
    orderBy: NEWEST_FIRST,
    take: limit + 1,
    include: WITH_ENDPOINTS,
  });
  return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }));
}

/** @returns false when there is no such customer server */
export async function renameCustomerServer(
  prisma: PrismaClient,
  customerServerId: string,
  name: string,
): Promise<boolean> {
  const { count } = await prisma.customerServer.updateMany({
    where: { id: customerServerId },
    data: { name, updatedAt: new Date() },
  });
  return count === 1;
}
