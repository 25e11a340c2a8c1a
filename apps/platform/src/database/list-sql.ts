/**
 * Ends a list of parameters where it ends anyway, so that its statement is planned once and for short lists.
 *
 * For `unnest` of a parameter PostgreSQL expects ten rows whatever comes. The plan that is kept for all lists then seems
 * to cost ten times the one for a list of one, so while most lists are of one, each statement is planned anew: 3 ms of CPU
 * for a claim that takes a tenth of that. Of what a limit lets through that it does not know, it expects a tenth: one row,
 * which also keeps every join on the primary key, where whole tables would be read for more.
 *
 * @param list `$1` in `select * from unnest($1::int[]) ${END_OF_LIST('$1')}`; it has one dimension
 */
export const END_OF_LIST = (list: `$${number}`) => `limit cardinality(${list})`;
