/**
 * A list of rows that one statement works on, from an array for each of its columns: `$1`, `$2`, and so on, in their
 * order. Each row has besides its `place`, from 1.
 *
 * The arrays are hidden from the planner by a `select` each, and their length by a limit: it reckons with one row then,
 * whatever comes. So it takes primary keys also while the tables are new, and one plan serves all lengths. Seeing them, it
 * would make a plan for each call, because that for a list of one seems cheaper than the one kept for any: 3 ms of CPU for
 * a claim that takes a third of that.
 *
 * @param columns their names and types
 * @returns a statement that selects the list
 */
export function buildList(columns: Readonly<Record<string, string>>): string {
  const arrays = Object.values(columns).map((type, index) => `(select $${index + 1}::${type}[])`);
  const names = Object.keys(columns).join(', ');
  return `select * from unnest(${arrays.join(', ')}) with ordinality as list (${names}, place)
           limit (select cardinality($1::${Object.values(columns)[0]}[]))`;
}
