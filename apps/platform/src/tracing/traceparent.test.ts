import { describe, expect, test } from 'vitest';
import { parseTraceparent, toTraceId } from './traceparent.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  test('reads the parts of a valid one', () => {
    const parsed = { traceId: TRACE_ID, spanId: SPAN_ID };
    expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-01`)).toEqual({ ...parsed, flags: 1 });
    expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-00`)).toEqual({ ...parsed, flags: 0 });
  });

  test.each([
    null,
    undefined,
    '',
    `01-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `00-${TRACE_ID}-${SPAN_ID}-01-extra`,
    `00-${TRACE_ID}-${SPAN_ID}-01\n`,
    [`00-${TRACE_ID}-${SPAN_ID}-01`],
  ])('refuses %j', (value) => {
    expect(parseTraceparent(value)).toBeNull();
  });
});

test('a log line has a trace id where there is a trace', () => {
  expect(toTraceId(`00-${TRACE_ID}-${SPAN_ID}-01`)).toBe(TRACE_ID);
  expect(toTraceId(null)).toBeUndefined();
});
