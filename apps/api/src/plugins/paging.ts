import Type, { type Static } from 'typebox';

/** Where a page ended. Lists run from the newest to the oldest, by time and then by id. */
export interface PagePosition {
  readonly at: Date;
  readonly id: string;
}

export interface PageRequest {
  /** Number of items asked for. */
  readonly limit: number;
  /** Where the page before ended; null for the first page. */
  readonly after: PagePosition | null;
}

export interface Page<Item> {
  readonly items: Item[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

/** Milliseconds of the years 1973 to 2286: what PostgreSQL is asked about is a time it knows. */
const CURSOR_TEXT = /^(\d{12,13})\.([0-9a-f]{24})$/;

const Cursor = Type.Refine(
  Type.String({ rule: 'must be the nextCursor of an earlier page' }),
  (value) => decodeCursor(value) !== null,
);

/** `?limit=&cursor=`, to be spread into the properties of a list's query schema. */
export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT })),
  cursor: Type.Optional(Cursor),
};

const PageQueryObject = Type.Object(PageQuery);

/** @param query validated by a schema that holds `PageQuery` */
export function toPageRequest(query: Static<typeof PageQueryObject>): PageRequest {
  return {
    limit: query.limit ?? DEFAULT_LIMIT,
    after: query.cursor === undefined ? null : decodeCursor(query.cursor),
  };
}

/**
 * @param rows up to `limit + 1` of them, newest first: the one too many tells that there is a next page
 * @param toPosition the time and id that the list is ordered by
 */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  toPosition: (row: Row) => PagePosition,
): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items, nextCursor: hasMore ? encodeCursor(toPosition(last)) : null };
}

/**
 * Prisma's condition for "after this position" on `createdAt` and `id`. The bound on the time alone is what
 * lets PostgreSQL start in the middle of the index.
 */
export function afterPosition(after: PagePosition | null) {
  if (after === null) return {};
  const { at, id } = after;
  return { createdAt: { lte: at }, OR: [{ createdAt: { lt: at } }, { id: { lt: id } }] };
}

/** Newest first, in Prisma's words; the order of every index that lists use. */
export const NEWEST_FIRST = [{ createdAt: 'desc' as const }, { id: 'desc' as const }];

function encodeCursor({ at, id }: PagePosition): string {
  return Buffer.from(`${at.getTime()}.${id}`).toString('base64url');
}

function decodeCursor(cursor: string): PagePosition | null {
  const [, milliseconds, id] = CURSOR_TEXT.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (milliseconds === undefined || id === undefined) return null;
  return { at: new Date(Number(milliseconds)), id };
}
