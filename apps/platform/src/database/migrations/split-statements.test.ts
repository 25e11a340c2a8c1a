import { expect, test } from 'vitest';
import { splitStatements } from './split-statements.ts';

test.each([
  ['one without an end', 'select 1', ['select 1']],
  ['two, and nothing behind them', 'select 1;\nselect 2;\n', ['select 1', 'select 2']],
  ['none in comments', '-- drop table a;\n/* drop table b; */\nselect 1', ['select 1']],
  ['strings as they are', "select ';--', 'it''s;'; select 2", ["select ';--', 'it''s;'", 'select 2']],
  ['names as they are', 'select ";" from "a--b"', ['select ";" from "a--b"']],
  [
    'bodies of functions as they are',
    'create function f() returns int as $$ begin; return 1; end $$; select $x$ ; $$ ; $x$',
    ['create function f() returns int as $$ begin; return 1; end $$', 'select $x$ ; $$ ; $x$'],
  ],
  ['nothing of nothing', ' \n-- only words\n', []],
])('gives %s', (_what, sql, statements) => {
  expect(splitStatements(sql)).toEqual(statements);
});
