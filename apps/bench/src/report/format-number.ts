const THREE_DIGITS = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Three digits, or all that stand before the point: `0.0123`, `1.5`, `12,345`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) < 1_000 ? THREE_DIGITS.format(value) : WHOLE.format(value);
}
