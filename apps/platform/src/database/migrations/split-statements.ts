/**
 * One comment, or one text in which a semicolon ends nothing: a string, a quoted name or a dollar-quoted body. Strings
 * with backslash escapes and comments inside comments are not SQL that migrations are written in.
 */
const COMMENT = /--[^\n]*|\/\*[^]*?\*\//;
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<tag>\$\w*\$)[^]*?\k<tag>/;
const TOKEN = new RegExp(`(?<comment>${COMMENT.source})|(?<quoted>${QUOTED.source})|(?<end>;)|[^]`, 'g');

/** The statements of a script in order, without comments and the semicolons that end them. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let statement = '';
  const end = () => {
    if (statement.trim() !== '') statements.push(statement.trim());
    statement = '';
  };
  for (const { 0: text, groups } of sql.matchAll(TOKEN)) {
    if (groups?.['end'] !== undefined) end();
    else statement += groups?.['comment'] === undefined ? text : ' ';
  }
  end();
  return statements;
}
