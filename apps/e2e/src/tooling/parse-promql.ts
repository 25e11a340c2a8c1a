/** What of a PromQL expression can be misspelt without anybody noticing: an unknown metric is simply no result. */
export interface PromqlNames {
  readonly selectors: readonly Selector[];
  /** Labels of `by (…)` and the like. */
  readonly groupLabels: readonly string[];
}

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { label: string; operator: '=' | '!=' | '=~' | '!~'; value: string }[];
}

const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const RANGE = /\[[^\]]*\]/g;
// Not the end of a number.
const SELECTOR = /(?<![\w.])([a-zA-Z_:][\w:]*)\s*(\{(?:"[^"]*"|[^}"])*\}|\()?/g;
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;

export function parsePromql(expression: string): PromqlNames {
  const groupLabels = [...expression.matchAll(GROUPING)].flatMap(([, labels = '']) =>
    labels
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  );
  // What is left in words is a function, an operator or a metric.
  const rest = expression.replaceAll(GROUPING, ' ').replaceAll(RANGE, ' ');
  const selectors = [...rest.matchAll(SELECTOR)]
    .filter(([, name = '', next]) => next !== '(' && !WORDS.has(name.toLowerCase()))
    .map(([, metric = '', braces = '']) => ({
      metric,
      matchers: [...braces.matchAll(MATCHER)].map(([, label = '', operator, value = '']) => ({
        label,
        operator: operator as Selector['matchers'][number]['operator'],
        value,
      })),
    }));
  return { selectors, groupLabels };
}
